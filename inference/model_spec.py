"""What a model is, as far as anybody needs to know who does not run it. Imports neither torch nor Django."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from inference.calibration import Calibration
from inference.gate_reference import GateReference
from inference.network_spec import NetworkSpec
from studies.label_maps.label_map import SegmentDescription


class Method(StrEnum):
    """How a model turns a volume into a label map."""

    NETWORK = "network"
    OTSU = "otsu"
    THRESHOLD = "threshold"
    KMEANS = "kmeans"
    REGION_GROWING = "region_growing"
    LUNGS = "lungs"
    UPTAKE = "uptake"
    SKIN_LESION = "skin_lesion"
    BRAIN_LESION = "brain_lesion"
    RETINAL_RIDGES = "retinal_ridges"


_COLOUR_METHODS = frozenset({Method.SKIN_LESION, Method.RETINAL_RIDGES})


class ParameterKind(StrEnum):
    """What a person enters for a parameter."""

    NUMBER = "number"
    INTEGER = "integer"
    POINT = "point"
    """A voxel, [slice, row, column], picked on the image."""


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One value a person may set before a run.

    Attributes
    ----------
    name
        Key in the job's parameters.
    label
        What the form says.
    kind
        What is entered.
    unit
        "HU", "mm", or empty.
    default
        Used when nothing is entered; None asks for a value.
    minimum, maximum
        Inclusive bounds, None where there is none.
    """

    name: str
    label: str
    kind: ParameterKind
    unit: str = ""
    default: float | None = None
    minimum: float | None = None
    maximum: float | None = None


ParameterValue = float | int | tuple[int, int, int]
Parameters = dict[str, ParameterValue]
"""Validated against `ModelSpec.parameters` by `inference.registry.validate_parameters`."""


def read_number(parameters: Parameters, name: str) -> float:
    """Return a parameter that must be a number."""
    value = parameters[name]
    if isinstance(value, tuple):
        raise TypeError(f"{name} is a point, not a number.")
    return value


def read_point(parameters: Parameters, name: str) -> tuple[int, int, int]:
    """Return a parameter that must be a voxel."""
    value = parameters[name]
    if not isinstance(value, tuple):
        raise TypeError(f"{name} is a number, not a point.")
    return value


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One entry of the catalogue."""

    name: str
    version: str
    title: str
    summary: str
    """One sentence for the person who chooses."""
    limits: str
    """What it cannot do, plainly; measured, or said to be unmeasured."""
    method: Method
    modalities: frozenset[str]
    """DICOM modalities it takes; empty takes any grey-value volume."""
    segments: tuple[SegmentDescription, ...]
    parameters: tuple[ParameterSpec, ...] = ()
    network: NetworkSpec | None = None
    licence: str = "MIT"
    intended_use: str = ""
    """As its makers state it; empty where they do not."""
    card: str = ""
    """Markdown model card."""
    format: str = "built in"
    """What it was imported from, as "MONAI bundle"."""
    folder: Path | None = None
    """Where an imported network's weights lie; None is `inference/weights`."""
    needs_volume: bool = field(default=False)
    """True refuses series that are not one regular volume; False also takes stacks slice by slice."""
    gate: GateReference | None = None
    """What its runs are judged by; None where nothing was fitted."""
    calibration: Calibration | None = None
    """How far a network's probabilities can be believed; None where nobody held it against outlined cases."""

    @property
    def temperature(self) -> float:
        """What a network's scores are divided by before they count as logarithms of probabilities."""
        return 1.0 if self.calibration is None else self.calibration.temperature

    @property
    def reads_uptake(self) -> bool:
        """Whether it takes standardised uptake, so that stored PET values must be scaled first.

        The channels of a network that reads several images are scaled one by one, where they are gathered.
        """
        is_network_of_pet = self.network is not None and self.modalities == {"PT"} and len(self.network.channels) == 1
        return self.method is Method.UPTAKE or is_network_of_pet

    @property
    def reads_colours(self) -> bool:
        """Whether it takes the red, green and blue of a picture instead of its luminance."""
        return self.method in _COLOUR_METHODS or (self.network is not None and self.network.reads_colours)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run reports between windows.

    Attributes
    ----------
    stage
        "loading" (the images), "aligning", "loading_model", "preparing", "segmenting", "storing".
    windows_done, windows_total
        Honest counts of the unit of work (windows, slices or iterations).
    slab
        Box of labels (slice, row, column) that will not change any more, or None.
    slab_origin
        First voxel (slice, row, column) of the slab in the label map.
    """

    stage: str
    windows_done: int
    windows_total: int
    slab: npt.NDArray[np.uint8] | None = None
    slab_origin: tuple[int, int, int] = (0, 0, 0)


class CancelledError(Exception):
    """Raised by `on_progress` to stop a run between windows."""


Focus = tuple[int, int, int]
"""Voxel (slice, row, column) of the series that the reader looks at."""


class OnProgress(Protocol):
    """Called between windows. May raise `CancelledError`; may return the voxel the reader now looks at."""

    def __call__(self, progress: Progress) -> Focus | None: ...

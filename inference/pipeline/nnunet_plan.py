"""What an nnU-Net result folder says about its network, read into plain values and checked. Knows no torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from inference.pipeline.nnunet_layers import Layers, NotSupportedError, read_layers
from studies.errors import InvalidInputError

Triple = tuple[int, int, int]
Resampler = tuple[int, int, bool | None]
"""Spline order in plane, spline order across thick slices, whether slices are handled one by one (None: judged)."""

_MOST_LABELS = 255
_FINEST_MM, _COARSEST_MM = 0.02, 100.0
_OVERLAP = 0.5
_LINEAR: Resampler = (1, 0, None)
_AXES = ("slice", "row", "column")
_REORIENTED = "SAR"
"""How the training code lays out axes once it has turned an image to RAS: it reads (x, y, z) as (z, y, x)."""


class PlanError(InvalidInputError):
    """The folder's files contradict themselves or are incomplete."""

    code: ClassVar[str] = "model.broken"


class Normalization(StrEnum):
    """How one channel's grey values become a network's input; named as in the plans."""

    CT = "CTNormalization"
    Z_SCORE = "ZScoreNormalization"
    NONE = "NoNormalization"
    RESCALE_TO_01 = "RescaleTo01Normalization"
    RGB_TO_01 = "RGBTo01Normalization"


@dataclass(frozen=True, slots=True)
class Channel:
    """One input channel.

    Attributes
    ----------
    name
        As in the data set, such as "T1".
    normalization
        The scheme.
    is_masked
        True normalises the voxels inside the non-zero region only.
    low, high, mean, deviation
        Grey values of the training set's foreground: percentiles 0.5 and 99.5, mean, standard deviation.
    """

    name: str
    normalization: Normalization
    is_masked: bool
    low: float = 0.0
    high: float = 0.0
    mean: float = 0.0
    deviation: float = 1.0


@dataclass(frozen=True, slots=True)
class Heads:
    """What the scores of a network mean.

    Attributes
    ----------
    labels
        Label value and name, ascending, without background.
    values
        All label values of the training set, ascending, without background; a cascade has a channel for each.
    regions
        For networks trained on regions, the label value that each score writes, in order of writing; else empty.
    """

    labels: tuple[tuple[int, str], ...]
    values: tuple[int, ...]
    regions: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """Scores per voxel."""
        return len(self.regions) or len(self.labels) + 1


@dataclass(frozen=True, slots=True)
class Plan:
    """One configuration of one result folder.

    Attributes
    ----------
    configuration
        Such as "3d_fullres".
    previous
        The configuration whose label map is a further input (cascade), or None.
    to_working
        Which axis of the image becomes the first, second and third axis that the network sees.
    spacing_mm
        Of those axes; two values leave the first axis as it is (2D).
    window
        Voxels of those axes; the first is 1 for a 2D network.
    channels, heads, layers
        Input, output and what lies between.
    data, scores
        How images and scores are resampled.
    is_reoriented
        True where training images were turned to run to the right, to the front and upward.
    """

    configuration: str
    previous: str | None
    to_working: Triple
    spacing_mm: tuple[float, ...]
    window: Triple
    channels: tuple[Channel, ...]
    heads: Heads
    layers: Layers
    data: Resampler
    scores: Resampler
    is_reoriented: bool
    overlap: float = _OVERLAP

    @property
    def orientation(self) -> str:
        """Which way the network's axes run, as `NetworkSpec.orientation` says it."""
        if self.is_reoriented:
            return "".join(_REORIENTED[axis] for axis in self.to_working)
        return " ".join(_AXES[axis] for axis in self.to_working)

    @property
    def channels_in(self) -> int:
        """Input channels with those of the previous stage."""
        return len(self.channels) + (len(self.heads.values) if self.previous else 0)


def read_plan(plans: Mapping[str, Any], dataset: Mapping[str, Any], configuration: str) -> Plan:
    """Read one configuration of ``plans.json`` together with ``dataset.json``.

    Raises
    ------
    PlanError
        Where something is missing or contradicts itself.
    inference.pipeline.nnunet_layers.NotSupportedError
        Where the network was trained with something that SegWeb does not know; names it.
    """
    try:
        return _read(plans, dataset, configuration)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise PlanError(f"The plans do not describe the configuration {configuration!r}: {error!r}.") from error


def _read(plans: Mapping[str, Any], dataset: Mapping[str, Any], name: str) -> Plan:
    content = resolve_configuration(plans, name)
    if content.get("preprocessor_name", "DefaultPreprocessor") != "DefaultPreprocessor":
        raise NotSupportedError(f"The preprocessor {content['preprocessor_name']!r} is not one that SegWeb knows.")
    patch = tuple(_count(n) for n in content["patch_size"])
    spacing = tuple(float(s) for s in content["spacing"])
    is_spaced = len(spacing) == len(patch) and all(_FINEST_MM <= s <= _COARSEST_MM for s in spacing)
    if len(patch) not in (2, 3) or not is_spaced:
        raise PlanError(f"A window of {patch} voxels of {spacing} mm is none.")
    order = tuple(int(axis) for axis in plans["transpose_forward"])
    if sorted(order) != [0, 1, 2]:
        raise PlanError(f"{order} is no order of three axes.")
    previous = content.get("previous_stage")
    heads = read_heads(dataset)
    if previous and content.get("resampling_fn_seg") != "resample_data_or_seg_to_shape":
        raise NotSupportedError("Only a cascade that resamples labels in nnU-Net's default way can be run.")
    return Plan(
        configuration=name,
        previous=previous,
        to_working=(order[0], order[1], order[2]),
        spacing_mm=spacing,
        window=(patch[-3] if len(patch) == 3 else 1, patch[-2], patch[-1]),
        channels=tuple(_read_channels(plans, dataset, content)),
        heads=heads,
        layers=read_layers(content, len(patch)),
        data=_read_resampler(content, "resampling_fn_data", default_order=3),
        scores=_read_resampler(content, "resampling_fn_probabilities", default_order=1),
        is_reoriented=str(plans.get("image_reader_writer", "")).startswith("NibabelIOWithReorient"),
    )


def resolve_configuration(plans: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a configuration with what it inherits from others."""
    chain: list[Mapping[str, Any]] = []
    wanted: str | None = name
    while wanted is not None:
        if wanted not in plans["configurations"] or len(chain) > len(plans["configurations"]):
            raise PlanError(f"The plans have no configuration {wanted!r}.")
        chain.append(plans["configurations"][wanted])
        wanted = chain[-1].get("inherits_from")
    resolved: dict[str, Any] = {}
    for content in reversed(chain):
        resolved.update(content)
    return resolved


def _read_channels(
    plans: Mapping[str, Any], dataset: Mapping[str, Any], content: Mapping[str, Any]
) -> Iterator[Channel]:
    names = dataset.get("channel_names") or dataset["modality"]
    schemes, masked = content["normalization_schemes"], content["use_mask_for_norm"]
    if not 0 < len(names) == len(schemes) == len(masked):
        raise PlanError(f"{len(names)} channels with {len(schemes)} ways to normalise them.")
    measured = plans.get("foreground_intensity_properties_per_channel") or plans.get(
        "foreground_intensity_properties_by_modality", {}
    )
    for number, (scheme, is_masked) in enumerate(zip(schemes, masked, strict=True)):
        if scheme not in set(Normalization):
            raise NotSupportedError(f"The normalisation {scheme!r} is not one that SegWeb knows.")
        name = str(names[str(number)])
        if scheme != Normalization.CT:
            yield Channel(name, Normalization(scheme), bool(is_masked))
            continue
        facts = measured[str(number)]
        low, high, mean, deviation = (
            _finite(facts[key]) for key in ("percentile_00_5", "percentile_99_5", "mean", "std")
        )
        yield Channel(name, Normalization.CT, bool(is_masked), low, high, mean, deviation)


def read_heads(dataset: Mapping[str, Any]) -> Heads:
    """Read the labels of ``dataset.json``: plain ones, or regions that may lie within each other."""
    labels: dict[str, Any] = {name: value for name, value in dataset["labels"].items() if name != "ignore"}
    if labels.pop("background", None) != 0:
        raise PlanError("The data set has no label 0 called background.")
    if not any(isinstance(value, Sequence) and len(value) > 1 for value in labels.values()):
        plain = sorted((_single(value), str(name)) for name, value in labels.items())
        if [value for value, _ in plain] != list(range(1, len(plain) + 1)) or not 0 < len(plain) <= _MOST_LABELS:
            raise PlanError(f"Labels must run from 1 to at most {_MOST_LABELS} without a gap.")
        return Heads(tuple(plain), tuple(value for value, _ in plain))
    order = tuple(int(value) for value in dataset["regions_class_order"])
    regions = [
        (str(name), members) for name, members in ((n, _members(v)) for n, v in labels.items()) if members != {0}
    ]
    if len(order) != len(regions) or not all(0 < value <= _MOST_LABELS for value in order):
        raise PlanError(f"{len(regions)} regions with {len(order)} labels to write.")
    values = sorted(frozenset[int]().union(*(members for _, members in regions)) - {0})
    return Heads(tuple(sorted(_name_painted(regions, order))), tuple(values), order)


def _name_painted(regions: Sequence[tuple[str, frozenset[int]]], order: tuple[int, ...]) -> Iterator[tuple[int, str]]:
    """Name what remains visible of each region where later ones within it paint over it."""
    last = {value: place for place, value in enumerate(order)}
    for place, (value, (name, members)) in enumerate(zip(order, regions, strict=True)):
        if last[value] != place:
            continue
        inner = next((n for n, other in regions[place + 1 :] if other < members), None)
        yield value, name if inner is None else f"{name} without {inner}"


def _read_resampler(content: Mapping[str, Any], key: str, *, default_order: int) -> Resampler:
    name = content.get(key, "resample_data_or_seg_to_shape")
    options: Mapping[str, Any] = content.get(f"{key}_kwargs") or {}
    forced = options.get("force_separate_z")
    if name == "resample_data_or_seg_to_shape":
        resampler = int(options.get("order", default_order)), int(options.get("order_z", 0)), forced
    elif name == "resample_torch_fornnunet" and options.get("mode", "linear") == "linear":
        resampler = _LINEAR[0], _LINEAR[1], forced
    elif name == "no_resampling_hack":
        resampler = 0, 0, False
    else:
        raise NotSupportedError(f"The resampling {name!r} is not one that SegWeb knows.")
    most = 1 if key == "resampling_fn_probabilities" else 5
    if not (0 <= resampler[0] <= most and 0 <= resampler[1] <= most and forced in (None, True, False)):
        raise NotSupportedError(f"Resampling by splines of order {resampler[:2]} is not something SegWeb does.")
    return resampler


def _members(value: Any) -> frozenset[int]:
    return frozenset(int(v) for v in value) if isinstance(value, Sequence) else frozenset({int(value)})


def _single(value: Any) -> int:
    return int(value[0]) if isinstance(value, Sequence) else int(value)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not a finite number")
    return number


def _count(value: Any) -> int:
    number = int(value)
    if not 1 <= number <= 4096:
        raise ValueError(f"{value!r} is not a number of voxels")
    return number


_PLANS_KEPT = (
    "dataset_name",
    "plans_name",
    "transpose_forward",
    "image_reader_writer",
    "foreground_intensity_properties_per_channel",
    "foreground_intensity_properties_by_modality",
)
_DATASET_KEPT = ("labels", "regions_class_order", "channel_names", "modality")


def trim(
    plans: Mapping[str, Any], dataset: Mapping[str, Any], configurations: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return plans and data set with nothing but what `read_plan` needs for these configurations."""
    kept = {key: plans[key] for key in _PLANS_KEPT if key in plans}
    kept["configurations"] = {name: resolve_configuration(plans, name) for name in configurations}
    for content in kept["configurations"].values():
        content.pop("inherits_from", None)
    return kept, {key: dataset[key] for key in _DATASET_KEPT if key in dataset}

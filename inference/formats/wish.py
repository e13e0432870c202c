"""What a person says about a model that is imported. Knows no torch: the web server reads it, a worker acts on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from inference.formats.imported import Naming
from inference.formats.single_file import Description
from inference.network_spec import SLICE_ROW_COLUMN, Scheme, check_orientation
from studies.errors import InvalidInputError


class DescriptionError(InvalidInputError):
    """What was said about a network contradicts itself."""

    code: ClassVar[str] = "model.description_invalid"


@dataclass(frozen=True, slots=True)
class Wish:
    """How a model shall be taken.

    Attributes
    ----------
    naming
        What a person says about it.
    description
        What a single TorchScript or ONNX file expects.
    origin
        Where the files came from, for the manifest.
    is_checked
        Look for the fastest backend now, and refuse what does not run.
    is_mirrored
        Average over mirrored windows where the model was made for it: up to eight times slower.
    """

    naming: Naming = field(default_factory=Naming)
    description: Description | None = None
    origin: Mapping[str, object] = field(default_factory=dict)
    is_checked: bool = True
    is_mirrored: bool = True


def read_wish(said: Mapping[str, Any], *, origin: Mapping[str, object]) -> Wish:
    """Return a wish from plain values: `name`, `version`, `title`, `licence`, `modalities`, `description`.

    Raises
    ------
    DescriptionError
        Says what does not fit.
    """
    words = {name: str(said.get(name) or "").strip() for name in ("name", "version", "title", "licence")}
    modalities = frozenset(str(each).strip().upper() for each in said.get("modalities") or ())
    described = said.get("description")
    try:
        description = None if described is None else _read_description(described)
    except (TypeError, ValueError, KeyError) as error:
        raise DescriptionError(f"The network's description does not hold together: {error}") from error
    return Wish(Naming(**words, modalities=modalities), description, origin)


def _read_description(said: Mapping[str, Any]) -> Description:
    first, second, third = (int(size) for size in said["window"])
    spacing = said.get("spacing_mm")
    orientation = str(said.get("orientation") or SLICE_ROW_COLUMN)
    check_orientation(orientation)
    numbers = {name: float(said[name]) for name in ("low", "high", "mean", "deviation") if said.get(name) is not None}
    return Description(
        segments=tuple(str(name) for name in said["segments"]),
        window=(first, second, third),
        channels=tuple(str(name) for name in said.get("channels") or ("image",)),
        spacing_mm=None if spacing is None else _read_spacing(spacing),
        orientation=orientation,
        scheme=Scheme(said.get("scheme") or Scheme.Z_SCORE),
        intended_use=str(said.get("intended_use") or "").strip(),
        **numbers,
    )


def _read_spacing(values: Any) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third

"""What the transforms of a MONAI bundle mean here: a table of those that are understood; any other is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inference.formats.monai_config import Config
from inference.formats.refusals import NotUnderstoodError
from inference.network_spec import Interpolated, Normalisation, Scheme

Arguments = Mapping[str, Any]
UNCHANGED = Normalisation()
_WITHOUT_MEANING = frozenset(
    {
        "_target_", "_disabled_", "_desc_", "_requires_", "_mode_", "keys", "allow_missing_keys", "image_only",
        "reader", "ensure_channel_first", "meta_keys", "meta_key_postfix", "device", "track_meta", "data_type",
        "labels", "simple_keys", "overwriting", "wrap_sequence", "lazy", "strict_check",
    }
)  # fmt: skip
"""Arguments that say how and from where, not what comes out."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What comes before the network.

    Attributes
    ----------
    orientation
        Three letters, or empty where the bundle leaves images as they are stored.
    spacing_mm
        Along the network's axes, or None.
    normalisation
        Of each channel.
    """

    orientation: str = ""
    spacing_mm: tuple[float, float, float] | None = None
    normalisation: Normalisation = UNCHANGED


@dataclass(frozen=True, slots=True)
class Finish:
    """What comes after the network.

    Attributes
    ----------
    is_highest
        True where the class that scores highest wins, False where each score has a threshold.
    threshold
        Of probability.
    is_interpolated
        Whether scores or labels are brought back to the series' grid.
    interpolated
        What they are at that moment.
    """

    is_highest: bool = True
    threshold: float = 0.5
    is_interpolated: bool = True
    interpolated: Interpolated = Interpolated.SCORES


def read_preparation(config: Config, part: str, channels: int) -> Preparation:
    """Read the transforms before the network, in order.

    Raises
    ------
    NotUnderstoodError
        Names the first transform, or argument of one, that is not in the table.
    """
    preparation = Preparation()
    for name, arguments in _list_transforms(config, part):
        if name in _NO_EFFECT:
            _check_no_effect(name, arguments)
        elif name in _BEFORE:
            preparation = _BEFORE[name](preparation, arguments, channels)
        else:
            raise _refuse(name, "before")
    return preparation


def read_finish(config: Config, part: str) -> Finish:
    """Read the transforms after the network, in order; raises as `read_preparation` does."""
    finish, is_decided, activated = Finish(), False, Interpolated.SCORES
    for name, arguments in _list_transforms(config, part):
        if name == "Activations":
            activated = _activate(arguments)
        elif name == "Invert":
            finish = _bring_back(finish, arguments, activated, is_decided=is_decided)
        elif name == "AsDiscrete":
            finish, is_decided = _decide(finish, arguments, is_sigmoid=activated is Interpolated.SIGMOID), True
        elif name not in _NO_EFFECT and name not in _OUTPUT:
            raise _refuse(name, "after")
    if not is_decided:
        raise NotUnderstoodError("The bundle does not say how scores become labels: it has no AsDiscreted.")
    return finish


def _activate(arguments: Arguments) -> Interpolated:
    _require_only("Activations", arguments, {"softmax", "sigmoid"})
    if arguments.get("sigmoid"):
        return Interpolated.SIGMOID
    return Interpolated.SOFTMAX if arguments.get("softmax") else Interpolated.SCORES


def _bring_back(finish: Finish, arguments: Arguments, activated: Interpolated, *, is_decided: bool) -> Finish:
    is_interpolated = not arguments.get("nearest_interp", True)
    if is_interpolated and is_decided:
        raise NotUnderstoodError("Invertd would mix the numbers of labels: set nearest_interp, or put it earlier.")
    return replace(finish, is_interpolated=is_interpolated, interpolated=activated)


def _decide(finish: Finish, arguments: Arguments, *, is_sigmoid: bool) -> Finish:
    _require_only("AsDiscrete", arguments, {"argmax", "threshold", "to_onehot"})
    if arguments.get("argmax"):
        return finish
    threshold = arguments.get("threshold")
    if not isinstance(threshold, int | float) or isinstance(threshold, bool) or not is_sigmoid:
        raise NotUnderstoodError("AsDiscreted must take the highest class, or a threshold after the sigmoid.")
    return replace(finish, is_highest=False, threshold=float(threshold))


def _list_transforms(config: Config, part: str) -> list[tuple[str, Arguments]]:
    raw = config.part(part)
    while isinstance(raw, str) and raw.startswith("@"):
        raw = config.part(raw[1:])
    steps = raw.get("transforms") if isinstance(raw, dict) else None
    if isinstance(steps, str) and steps.startswith("@"):
        steps = config.part(steps[1:])
    if not isinstance(steps, Sequence) or read_target(raw) != "Compose":
        raise NotUnderstoodError(f"The part {part!r} is not a Compose with a list of transforms.")
    listed = []
    for step in steps:
        if not isinstance(step, dict):
            raise NotUnderstoodError(f"A step of {part!r} is not written as a transform: {str(step)[:120]!r}.")
        name = read_target(step).removesuffix("d").removesuffix("Dict")
        if step.get("_disabled_") is True:
            continue
        kept = {} if name in _OUTPUT else {k: v for k, v in step.items() if _has_meaning(name, k)}
        listed.append((name, config.resolve(kept, where=f"{part}.{read_target(step)}")))
    return listed


def _has_meaning(name: str, argument: str) -> bool:
    # the inverse is fixed by what was done before: only how it interpolates is left to say
    return argument == "nearest_interp" if name == "Invert" else argument not in _WITHOUT_MEANING


def read_target(part: Any) -> str:
    """Return the class that a part names, without MONAI's own module path; nothing is imported.

    Raises
    ------
    NotUnderstoodError
        Where it names anything outside MONAI.
    """
    target = part.get("_target_") if isinstance(part, dict) else None
    if not isinstance(target, str):
        raise NotUnderstoodError(f"A part of the bundle names no class: {str(part)[:120]!r}.")
    *path, name = target.split(".")
    if path and path[0] != "monai":
        raise NotUnderstoodError(f"The bundle asks for {target[:120]!r}. SegWeb imports no code that a bundle names.")
    return name


def _refuse(name: str, place: str) -> NotUnderstoodError:
    known = ", ".join(sorted({*_BEFORE} if place == "before" else {"Activations", "AsDiscrete", "Invert"}))
    return NotUnderstoodError(f"SegWeb does not do {name!r} {place} the network; it understands {known}.")


def _require_only(name: str, arguments: Arguments, understood: set[str]) -> None:
    for argument, value in arguments.items():
        if argument not in understood and value is not None and value is not False:
            raise NotUnderstoodError(f"{name} with {argument} = {str(value)[:64]!r} is not something SegWeb does.")


def _check_no_effect(name: str, arguments: Arguments) -> None:
    for argument, value in arguments.items():
        if argument == "dtype" and value not in (None, "float32"):
            raise NotUnderstoodError(f"{name} to {str(value)[:64]!r} is not something SegWeb does.")


def _orient(preparation: Preparation, arguments: Arguments, _: int) -> Preparation:
    _require_only("Orientation", arguments, {"axcodes"})
    if preparation.spacing_mm is not None:
        raise NotUnderstoodError("SegWeb turns images before it resamples them: put Orientationd before Spacingd.")
    return replace(preparation, orientation="".join(arguments["axcodes"]))


def _space(preparation: Preparation, arguments: Arguments, _: int) -> Preparation:
    _require_only("Spacing", arguments, {"pixdim", "mode", "padding_mode", "dtype"})
    mode = arguments.get("mode", "bilinear")
    modes = {mode} if isinstance(mode, str) else set(mode)
    if modes != {"bilinear"} or arguments.get("padding_mode", "border") != "border":
        raise NotUnderstoodError(f"SegWeb resamples linearly, and the bundle asks for {sorted(modes)}.")
    if preparation.normalisation != UNCHANGED:
        raise NotUnderstoodError("SegWeb resamples before it normalises: put Spacingd before the intensities.")
    first, second, third = (float(value) for value in arguments["pixdim"])
    return replace(preparation, spacing_mm=(first, second, third))


def _set(preparation: Preparation, normalisation: Normalisation) -> Preparation:
    if preparation.normalisation != UNCHANGED:
        raise NotUnderstoodError("The bundle changes intensities twice; SegWeb does it once.")
    return replace(preparation, normalisation=normalisation)


def _scale_range(preparation: Preparation, arguments: Arguments, _: int) -> Preparation:
    _require_only("ScaleIntensityRange", arguments, {"a_min", "a_max", "b_min", "b_max", "clip", "dtype"})
    low, high, to_low, to_high = (float(arguments[name]) for name in ("a_min", "a_max", "b_min", "b_max"))
    is_clipped = bool(arguments.get("clip", False))
    return _set(
        preparation,
        Normalisation(Scheme.RANGE, low=low, high=high, to_low=to_low, to_high=to_high, is_clipped=is_clipped),
    )


def _scale(preparation: Preparation, arguments: Arguments, channels: int) -> Preparation:
    _require_only("ScaleIntensity", arguments, {"minv", "maxv", "channel_wise", "dtype"})
    _require_channel_wise("ScaleIntensity", arguments, channels)
    to_low, to_high = float(arguments.get("minv", 0.0)), float(arguments.get("maxv", 1.0))
    return _set(preparation, Normalisation(Scheme.MIN_MAX, to_low=to_low, to_high=to_high))


def _scale_percentiles(preparation: Preparation, arguments: Arguments, channels: int) -> Preparation:
    understood = {"lower", "upper", "b_min", "b_max", "clip", "channel_wise", "dtype"}
    _require_only("ScaleIntensityRangePercentiles", arguments, understood)
    _require_channel_wise("ScaleIntensityRangePercentiles", arguments, channels)
    low, high, to_low, to_high = (float(arguments[name]) for name in ("lower", "upper", "b_min", "b_max"))
    is_clipped = bool(arguments.get("clip", False))
    return _set(
        preparation,
        Normalisation(Scheme.PERCENTILES, low=low, high=high, to_low=to_low, to_high=to_high, is_clipped=is_clipped),
    )


def _score(preparation: Preparation, arguments: Arguments, channels: int) -> Preparation:
    _require_only("NormalizeIntensity", arguments, {"subtrahend", "divisor", "nonzero", "channel_wise", "dtype"})
    centre, spread = arguments.get("subtrahend"), arguments.get("divisor")
    if centre is not None and spread is not None and not arguments.get("nonzero"):
        low, high = float(centre), float(centre) + float(spread)
        return _set(preparation, Normalisation(Scheme.RANGE, low=low, high=high, is_clipped=False))
    if centre is not None or spread is not None:
        raise NotUnderstoodError("NormalizeIntensityd with one of subtrahend and divisor is not something SegWeb does.")
    _require_channel_wise("NormalizeIntensity", arguments, channels)
    return _set(preparation, Normalisation(Scheme.Z_SCORE_NONZERO if arguments.get("nonzero") else Scheme.Z_SCORE))


def _require_channel_wise(name: str, arguments: Arguments, channels: int) -> None:
    if channels > 1 and not arguments.get("channel_wise"):
        raise NotUnderstoodError(f"{name} over all channels at once is not something SegWeb does: set channel_wise.")


_BEFORE: Mapping[str, Callable[[Preparation, Arguments, int], Preparation]] = {
    "Orientation": _orient,
    "Spacing": _space,
    "ScaleIntensityRange": _scale_range,
    "ScaleIntensity": _scale,
    "ScaleIntensityRangePercentiles": _scale_percentiles,
    "NormalizeIntensity": _score,
}
_NO_EFFECT = frozenset(
    {"LoadImage", "EnsureChannelFirst", "AddChannel", "EnsureType", "ToTensor", "CastToType", "ToDevice"}
)
_OUTPUT = frozenset({"SaveImage", "DataStats", "Identity", "DeleteItems"})

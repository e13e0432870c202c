"""What a network's channel asks for, read from its name. Knows neither torch nor Django."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from studies.tracking.acquisition_facts import Weighting

_CONTRAST = r"(?:ce|c|gd|gad|km|post|contrast|enhanced)"
_WEIGHTINGS: tuple[tuple[Weighting, str], ...] = (
    (Weighting.ADC, r"adc"),
    (Weighting.DIFFUSION, r"dwi|diffusion|trace|b\d{3,4}"),
    (Weighting.SUSCEPTIBILITY, r"swi|t2star|t2s"),
    (Weighting.PERFUSION, r"perfusion|dsc|dce|cbf|cbv"),
    (Weighting.ANGIOGRAPHY, r"tof|mra"),
    (Weighting.FLAIR, r"flair|t2f|t2flair"),
    (Weighting.PROTON_DENSITY, r"pdw?"),
    (Weighting.T1, rf"t1w?n?{_CONTRAST}?"),
    (Weighting.T2, r"t2w?"),
)


@dataclass(frozen=True, slots=True)
class ImageKind:
    """What an image must be to be a channel; None asks nothing.

    Attributes
    ----------
    has_contrast
        True and False are asked of T1 images where a network has both.
    """

    modality: str
    weighting: Weighting | None = None
    has_contrast: bool | None = None

    def __str__(self) -> str:
        words = str(self.weighting or self.modality)
        if self.has_contrast is None:
            return words
        return f"{words} {'with' if self.has_contrast else 'without'} contrast agent"


def read_kinds(channels: Sequence[str], modalities: frozenset[str]) -> tuple[ImageKind | None, ...]:
    """Return what each channel's name asks for; None where the name says nothing that a header could tell.

    Parameters
    ----------
    channels
        Names as networks carry them, for example "T1c", "t2-flair", "CT", "SUV".
    modalities
        What the model takes; one alone is every channel's.
    """
    kinds = [_read_kind(name, modalities) for name in channels]
    if any(kind is not None and kind.weighting is Weighting.T1 and kind.has_contrast for kind in kinds):
        plain = [kind is not None and kind.weighting is Weighting.T1 and not kind.has_contrast for kind in kinds]
        kinds = [
            replace(kind, has_contrast=False) if kind is not None and is_plain else kind
            for kind, is_plain in zip(kinds, plain, strict=True)
        ]
    return tuple(kinds)


def _read_kind(name: str, modalities: frozenset[str]) -> ImageKind | None:
    words = re.sub(r"t2\s*\*", "t2star", name.lower())
    tokens = [token for token in re.split(r"[^a-z0-9]+", words) if token]
    joined = "".join(token for token in tokens if token not in ("mr", "mri", "image", "weighted", "w", "with"))
    for weighting, pattern in _WEIGHTINGS:
        if re.fullmatch(pattern, joined) or any(re.fullmatch(pattern, token) for token in tokens):
            return ImageKind("MR", weighting, _asks_contrast(weighting, tokens, joined))
    if {"pet", "pt", "suv", "fdg"} & set(tokens):
        return ImageKind("PT")
    if "ct" in tokens:
        return ImageKind("CT")
    return ImageKind(next(iter(modalities))) if len(modalities) == 1 and len(tokens) == 0 else None


def _asks_contrast(weighting: Weighting, tokens: Sequence[str], joined: str) -> bool | None:
    if weighting is not Weighting.T1:
        return None
    if {"without", "native", "non", "pre", "unenhanced"} & set(tokens) or re.fullmatch(r"t1w?n", joined):
        return False
    is_given = re.search(rf"t1w?{_CONTRAST}", joined) or {"post", "contrast", "enhanced", "gd", "ce"} & set(tokens)
    return True if is_given else None

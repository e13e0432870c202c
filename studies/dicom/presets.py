"""Windows a reader may want at once, by modality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.dicom.frames import FrameWindow


@dataclass(frozen=True, slots=True)
class WindowPreset:
    """A window in modality values (DICOM's linear VOI function)."""

    name: str
    center: float
    width: float


CT_PRESETS = (
    WindowPreset("Abdomen", 40, 400),
    WindowPreset("Lung", -600, 1500),
    WindowPreset("Mediastinum", 50, 350),
    WindowPreset("Bone", 400, 1800),
    WindowPreset("Brain", 40, 80),
    WindowPreset("Liver", 60, 160),
    WindowPreset("Angiography", 300, 600),
)
COLOUR_PRESET = WindowPreset("As stored", 128, 256)
_MODALITIES_FROM_ZERO = frozenset({"PT", "NM"})


def choose_presets(
    modality: str, unit: str, written: Sequence[FrameWindow], low: float, high: float
) -> tuple[WindowPreset, ...]:
    """Return the windows to offer, the one to begin with first.

    Parameters
    ----------
    written
        Windows stated by the writer for the frame in the middle of the series; they come first.
    low, high
        Values that bound the bulk of the image (percentiles), for the window named "Full contrast".
    """
    presets = [WindowPreset(_name(window, n), window.center, window.width) for n, window in enumerate(written[:3])]
    if modality == "CT" and unit == "HU":
        return _distinct([*presets, *CT_PRESETS])
    if modality in _MODALITIES_FROM_ZERO:
        low = min(0.0, low)
    width = max(high - low, 1e-6)
    return _distinct([*presets, WindowPreset("Full contrast", low + width / 2, width)])


def _name(window: FrameWindow, index: int) -> str:
    plain = window.name.upper().startswith(("WINDOW", "ALGO")) or not window.name
    default = "As acquired" if index == 0 else f"As acquired {index + 1}"
    return default if plain else window.name.capitalize()[:32]


def _distinct(presets: Sequence[WindowPreset]) -> tuple[WindowPreset, ...]:
    """Drop presets whose name came before."""
    return tuple({preset.name: preset for preset in reversed(presets)}[name] for name in _names(presets))


def _names(presets: Sequence[WindowPreset]) -> list[str]:
    return list(dict.fromkeys(preset.name for preset in presets))

"""A small picture of one place in a series: the same lesion on each date, for the filmstrip."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from studies.errors import InvalidInputError
from studies.imaging.cut import cut_square
from studies.models import Series
from studies.services.volumes import describe_frames, load_volume

SIDE = 192
LEAST_MM, MOST_MM = 5.0, 400.0


@dataclass(frozen=True, slots=True)
class CropWish:
    """Which place of a series to show.

    Attributes
    ----------
    at_mm
        The middle, patient LPS.
    size_mm
        Length of a side.
    normal
        Of the plane.
    """

    at_mm: tuple[float, float, float]
    size_mm: float
    normal: tuple[float, float, float]

    def __post_init__(self) -> None:
        if not np.isfinite([*self.at_mm, *self.normal, self.size_mm]).all() or not np.any(self.normal):
            raise InvalidInputError("A crop needs a place and a plane in finite numbers.")
        if not LEAST_MM <= self.size_mm <= MOST_MM:
            raise InvalidInputError(f"A crop is {LEAST_MM:.0f} to {MOST_MM:.0f} mm wide, not {self.size_mm:g} mm.")


def read_crop(series: Series, wish: CropWish) -> bytes:
    """Return a PNG of `SIDE` pixels a side in the series' first window; black where it shows nothing.

    Raises
    ------
    NotAVolumeError
        Where the series is no regular volume.
    """
    volume = load_volume(series)
    values = cut_square(volume, centre_mm=wish.at_mm, normal=wish.normal, size_mm=wish.size_mm, side=SIDE)
    described = describe_frames(series)
    window = described.window_presets[0]
    greys = _to_greys(values, window.center - window.width / 2, window.width)
    if described.photometric_interpretation == "MONOCHROME1":
        greys = np.where(np.isnan(values), 0, 255 - greys).astype(np.uint8)
    picture = BytesIO()
    Image.fromarray(greys).save(picture, "PNG")
    return picture.getvalue()


def _to_greys(values: npt.NDArray[np.float32], low: float, width: float) -> npt.NDArray[np.uint8]:
    scaled = np.clip((np.nan_to_num(values, nan=low) - low) / max(width, 1e-6), 0.0, 1.0)
    greys: npt.NDArray[np.uint8] = np.round(scaled * 255.0).astype(np.uint8)
    return greys

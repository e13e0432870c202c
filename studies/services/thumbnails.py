"""A small picture of a series, made from the frame in its middle alone and kept beside its other derived files."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from studies.dicom.image_header import ImageHeader
from studies.dicom.modality import FLOAT32, to_modality
from studies.dicom.pixels import PixelReader
from studies.models import Series
from studies.services.decoded_series import DECODER_VERSION, KIND, SeriesEmptyError, bulk_of
from studies.services.volumes import read_layout
from studies.storage import derived_path, write_derived

LARGEST_SIDE = 256


def read_thumbnail(series: Series) -> bytes:
    """Return a PNG of at most 256 pixels a side, without any text; pixels that are not square come out true.

    Raises
    ------
    SeriesEmptyError
        Where nothing in the series can be shown.
    PixelsUndecodableError
        Where the frame cannot be decoded.
    """
    key = f"{series.contents_digest}.v{DECODER_VERSION}.png"
    path = derived_path(KIND, key)
    if path.is_file():
        return path.read_bytes()
    layout = read_layout(series)
    if not layout.geometry.order:
        raise SeriesEmptyError("This series holds no images to show. Its objects can be downloaded.")
    stored, frame_index = layout.middle
    pixels = PixelReader(stored.path, stored.image, stored.transfer_syntax_uid).frame(frame_index)
    picture = draw_thumbnail(pixels, stored.image, frame_index)
    write_derived(KIND, key, [picture])
    return picture


def draw_thumbnail(pixels: npt.NDArray[np.generic], image: ImageHeader, frame_index: int) -> bytes:
    """Return the PNG of one decoded frame, windowed as its writer suggests or by its own contrast."""
    frame = image.frames[frame_index]
    shown = pixels
    if pixels.ndim == 2:
        values = to_modality(pixels, frame, FLOAT32).astype(np.float64)
        low, high = bulk_of(values)
        if frame.windows:
            window = frame.windows[0]
            low, high = window.center - window.width / 2, window.center + window.width / 2
        shown = np.clip((np.nan_to_num(values) - low) / max(high - low, 1e-6) * 255.0, 0, 255).astype(np.uint8)
        if image.photometric_interpretation == "MONOCHROME1":
            shown = 255 - shown
    down_mm, along_mm = frame.pixel_spacing_mm or (1.0, 1.0)
    height_mm, width_mm = image.rows * down_mm, image.columns * along_mm
    scale = LARGEST_SIDE / max(height_mm, width_mm)
    size = (max(1, round(width_mm * scale)), max(1, round(height_mm * scale)))
    picture = BytesIO()
    Image.fromarray(shown).resize(size, Image.Resampling.BOX).save(picture, "PNG", optimize=True)
    return picture.getvalue()

"""One PNG or JPEG as one DICOM object: colour stays colour, grey stays grey, at the depth it has."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage, VLPhotographicImageStorage
from pydicom.valuerep import DSfloat

from studies.dicom.wrap import SourceDamagedError, SourceTooLargeError, WrapContext, begin_object

MAX_PICTURE_PIXELS = 2**27
GREY_MODALITIES = frozenset({"CR", "CT", "DX", "IO", "MG", "MR", "NM", "OCT", "PT", "PX", "RF", "RG", "XA"})
"""Modalities without colour: a picture of one whose channels are equal is grey, however it was saved."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes
    ----------
    pixels
        uint8 or uint16 of shape (row, column) when grey, uint8 of shape (row, column, 3) when RGB.
    compression_ratio
        Of lossy compression the source went through; None when it is lossless.
    """

    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    compression_ratio: float | None


def read_picture(content: bytes, *, modality: str) -> Picture:
    """Decode a PNG or JPEG upright (EXIF orientation applied), leaving all of its metadata behind.

    Raises
    ------
    SourceTooLargeError
        Above `MAX_PICTURE_PIXELS`, before anything is decoded.
    SourceDamagedError
        When the picture cannot be decoded to its end.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is stricter
            image = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
        if image.width * image.height > MAX_PICTURE_PIXELS:
            raise SourceTooLargeError(
                f"The picture has {image.width} x {image.height} pixels, more than can be taken. Send a smaller one."
            )
        is_lossy = image.format == "JPEG"
        upright = ImageOps.exif_transpose(image)
        pixels = _pixels_of(upright, modality=modality)
    except (Image.DecompressionBombError, MemoryError) as error:
        raise SourceTooLargeError("The picture has more pixels than can be taken. Send a smaller one.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise SourceDamagedError("The picture is damaged or incomplete. Save it again, then send it again.") from error
    return Picture(pixels, round(pixels.nbytes / len(content), 2) if is_lossy else None)


def wrap_picture(content: bytes, context: WrapContext) -> Dataset:
    """Wrap a picture as VL Photographic Image (modality XC) or Secondary Capture Image (any other).

    An Ophthalmic Photography object would have to state laterality and optics, which nobody told us: a fundus
    photograph is a Secondary Capture with modality OP.

    Raises
    ------
    SourceTooLargeError, SourceDamagedError
        As `read_picture`.

    References
    ----------
    DICOM PS3.3 A.8.1 (Secondary Capture), A.32.4 (VL Photographic), C.7.6.1.1.5 (lossy compression), 10.7.1.3.
    """
    picture = read_picture(content, modality=context.details.modality)
    is_photograph = context.details.modality == "XC"
    dataset = begin_object(
        context,
        sop_class_uid=VLPhotographicImageStorage if is_photograph else SecondaryCaptureImageStorage,
        series_part="picture",
        instance_part="1",
    )
    dataset.InstanceNumber = 1
    dataset.PatientOrientation = []
    dataset.SeriesDescription = "Picture made into DICOM"
    if is_photograph:
        dataset.ImageType = ["ORIGINAL", "PRIMARY"]
        dataset.AcquisitionContextSequence = []
        del dataset.ContentDate, dataset.ContentTime  # type 1C here, and the time is not known
    else:
        dataset.ImageType = ["DERIVED", "SECONDARY"]
        dataset.ConversionType = "WSD"
    _describe_pixels(dataset, picture)
    if context.details.pixel_spacing_mm is not None:
        dataset.PixelSpacing = [DSfloat(value, auto_format=True) for value in context.details.pixel_spacing_mm]
        dataset.PixelSpacingCalibrationType = "GEOMETRY"
        dataset.PixelSpacingCalibrationDescription = "Stated by the person who sent the picture"
    return dataset


def _describe_pixels(dataset: Dataset, picture: Picture) -> None:
    """Image pixel module (C.7.6.3)."""
    pixels = picture.pixels
    is_colour, bits = pixels.ndim == 3, pixels.dtype.itemsize * 8
    dataset.SamplesPerPixel = 3 if is_colour else 1
    dataset.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
    if is_colour:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    dataset.LossyImageCompression = "00" if picture.compression_ratio is None else "01"
    if picture.compression_ratio is not None:
        dataset.LossyImageCompressionRatio = DSfloat(picture.compression_ratio, auto_format=True)
        dataset.LossyImageCompressionMethod = "ISO_10918_1"
    content = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder("<")).tobytes()
    dataset.add_new("PixelData", "OB" if bits == 8 else "OW", content + b"\0" * (len(content) % 2))


def _pixels_of(image: Image.Image, *, modality: str) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    if image.mode.startswith("I"):
        return _deep_grey(image)
    if image.mode in ("1", "L", "LA", "La"):
        return np.asarray(image.convert("L"), dtype=np.uint8)
    pixels = np.asarray(_opaque(image), dtype=np.uint8)
    is_grey = bool(np.all(pixels[..., :1] == pixels))
    return pixels[..., 0] if is_grey and modality in GREY_MODALITIES else pixels


def _deep_grey(image: Image.Image) -> npt.NDArray[np.uint16]:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise SourceDamagedError("The picture's grey values do not fit 16 bits. Save it with 16 bits, then send it.")
    return values.astype(np.uint16)


def _opaque(image: Image.Image) -> Image.Image:
    """Return RGB; what is transparent shows black, as a reading screen does."""
    if "A" in image.getbands() or "transparency" in image.info:
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, (0, 0, 0, 255)), layered).convert("RGB")
    return image.convert("RGB")

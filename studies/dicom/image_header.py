"""The image-related attributes of a DICOM object, per frame, small enough to keep beside its record.

With them, and with the place of the pixel data, an image can be decoded and laid out in space without parsing the file
again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeVar, cast

from studies.dicom.errors import AbsurdSizeError, MalformedFileError, TruncatedFileError
from studies.dicom.frames import FrameHeader, read_frames
from studies.dicom.structure import FileStructure, PixelSpan
from studies.dicom.values import ValueReader

MAX_SIDE = 65_535
MAX_FRAMES = 65_536
MAX_FRAME_BYTES = 512 * 1024**2
MAX_DECODED_BYTES = 16 * 1024**3
"""Decoded size of one object; the largest clinical ones (tomosynthesis, 4D ultrasound) stay below 8 GiB."""

Sized = TypeVar("Sized")


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Pixel format, place of the pixel data and one `FrameHeader` per frame.

    Attributes
    ----------
    pixels
        Place of the encoded pixels in the file (in the inflated dataset for the deflated transfer syntax).
    needs_dataset
        True where decoding takes attributes that are not kept here (palette, modality LUT, extended offset table).
    spacing_source
        "image" where pixel spacing holds in the patient, "detector" for projections measured at the detector,
        "region" for one calibrated ultrasound region, "" where it is unknown.
    unit
        Of modality values: "HU", "Bq/ml", ... or empty.
    padding_value
        PixelPaddingValue (0028,0120), a stored value that stands for "no image here".

    References
    ----------
    DICOM PS3.3 C.7.6.3 (Image Pixel), C.7.6.16 (Multi-frame Functional Groups).
    """

    rows: int
    columns: int
    number_of_frames: int
    samples_per_pixel: int
    photometric_interpretation: str
    planar_configuration: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    pixel_representation: int
    pixels: PixelSpan
    needs_dataset: bool
    spacing_source: str
    unit: str
    padding_value: int | None
    frames: tuple[FrameHeader, ...]

    @property
    def frame_bytes(self) -> int:
        """Bytes of one decoded frame at its allocated depth."""
        return self.rows * self.columns * self.samples_per_pixel * max(1, self.bits_allocated // 8)

    @property
    def is_colour(self) -> bool:
        """Whether a decoded frame is RGB."""
        return self.samples_per_pixel == 3 or self.photometric_interpretation == "PALETTE COLOR"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; frames that are all alike are written once."""
        values = asdict(self)
        if len(set(self.frames)) == 1:
            values["frames"] = values["frames"][:1]
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ImageHeader:
        """Return what `to_json` wrote."""
        frames = tuple(FrameHeader.from_json(frame) for frame in values["frames"])
        if len(frames) == 1:
            frames *= int(values["number_of_frames"])
        return cls(**{**values, "frames": frames, "pixels": PixelSpan(**values["pixels"])})


def read_image_header(reader: ValueReader, structure: FileStructure) -> ImageHeader:
    """Return the image attributes of a dataset that has pixel data.

    Raises
    ------
    AbsurdSizeError, MalformedFileError, TruncatedFileError
        Where the stated format is impossible, would exhaust memory, or needs more pixels than there are.
    """
    pixels = cast(PixelSpan, structure.pixels)
    number_of_frames = reader.integer("NumberOfFrames") or 1
    rows, columns = _required(reader, "Rows"), _required(reader, "Columns")
    bits_allocated = _required(reader, "BitsAllocated")
    bits_stored = reader.integer("BitsStored") or bits_allocated
    high_bit = reader.integer("HighBit")
    frames, spacing_source = read_frames(reader, _checked_frames(number_of_frames))
    image = ImageHeader(
        rows=rows,
        columns=columns,
        number_of_frames=number_of_frames,
        samples_per_pixel=reader.integer("SamplesPerPixel") or 1,
        photometric_interpretation=reader.text("PhotometricInterpretation", limit=16) or "MONOCHROME2",
        planar_configuration=reader.integer("PlanarConfiguration") or 0,
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=bits_stored - 1 if high_bit is None else high_bit,
        pixel_representation=reader.integer("PixelRepresentation") or 0,
        pixels=pixels,
        needs_dataset=_needs_dataset(reader),
        spacing_source=spacing_source,
        unit=_unit(reader),
        padding_value=reader.integer("PixelPaddingValue"),
        frames=frames,
    )
    _check_format(image)
    _check_length(image)
    return image


def _required(reader: ValueReader, keyword: str) -> int:
    value = reader.integer(keyword)
    if value is None:
        raise MalformedFileError(f"The image states no {keyword}. Export it again.")
    if not 1 <= value <= MAX_SIDE:
        raise AbsurdSizeError(f"The image states {keyword} {value}, which no device produces.")
    return value


def _checked_frames(number_of_frames: int) -> int:
    if not 1 <= number_of_frames <= MAX_FRAMES:
        raise AbsurdSizeError(f"The image states {number_of_frames} frames; at most {MAX_FRAMES} are read.")
    return number_of_frames


def _check_format(image: ImageHeader) -> None:
    if image.frame_bytes > MAX_FRAME_BYTES or image.frame_bytes * image.number_of_frames > MAX_DECODED_BYTES:
        raise AbsurdSizeError(
            f"The image states {image.number_of_frames} frames of {image.rows} x {image.columns}, more than "
            f"{MAX_FRAME_BYTES // 1024**2} MiB per frame or {MAX_DECODED_BYTES // 1024**3} GiB in all."
        )
    if image.samples_per_pixel not in (1, 3) or image.bits_allocated not in (1, 8, 16, 32, 64):
        raise MalformedFileError(
            f"The image states {image.samples_per_pixel} samples of {image.bits_allocated} bits, which is not a format "
            "SegWeb shows. Export it as grey values or RGB."
        )
    if not 1 <= image.bits_stored <= image.bits_allocated or not image.bits_stored - 1 <= image.high_bit < 64:
        raise MalformedFileError(f"The image stores {image.bits_stored} bits up to bit {image.high_bit}: impossible.")
    if image.high_bit >= image.bits_allocated or image.pixel_representation not in (0, 1):
        raise MalformedFileError("The image's bit layout contradicts itself. Export it again.")


def _check_length(image: ImageHeader) -> None:
    """Refuse pixel data that cannot hold the stated frames."""
    length = image.pixels.length
    if image.pixels.is_encapsulated:
        if length < 8 * (image.number_of_frames + 1):
            raise TruncatedFileError("The compressed pixel data is too short for its frames. Send the file again.")
        return
    voxels = image.rows * image.columns * image.number_of_frames
    samples = 2 if image.photometric_interpretation == "YBR_FULL_422" else image.samples_per_pixel
    expected = (voxels * samples * image.bits_allocated + 7) // 8
    if length < expected:
        raise TruncatedFileError(f"The pixel data should have {expected} bytes and has {length}. Send the file again.")


def _needs_dataset(reader: ValueReader) -> bool:
    keywords = ("ModalityLUTSequence", "ExtendedOffsetTable", "RedPaletteColorLookupTableDescriptor")
    return any(keyword in reader.dataset for keyword in keywords)


def _unit(reader: ValueReader) -> str:
    """Name the unit of modality values (PS3.3 C.11.1.1.2, C.8.9.1)."""
    modality = reader.text("Modality", limit=16)
    if modality == "PT":
        units = reader.text("Units", limit=16)
        return {"BQML": "Bq/ml", "GML": "g/ml", "CNTS": "counts", "PROPCNTS": "counts"}.get(units, units)
    if modality == "CT":
        rescale_type = reader.text("RescaleType", limit=16)
        return "HU" if rescale_type in ("", "HU") else ""
    return ""

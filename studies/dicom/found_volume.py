"""A series found in a folder as a volume, without an archive."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydicom import dcmread

from studies.dicom.folder import FoundSeries
from studies.dicom.image_header import ImageHeader
from studies.dicom.modality import DoesNotFitError, ModalityType, candidate_types, to_modality
from studies.dicom.pixels import PixelReader
from studies.dicom.segmentation import SourceFrame
from studies.dicom.suv import SuvRefusal, read_suv_factor
from studies.errors import InvalidInputError
from studies.imaging.volume import Volume


class NotGreyValuesError(InvalidInputError):
    """The series cannot be stacked into grey values."""

    code: ClassVar[str] = "series.not_grey_values"


class NoUptakeError(InvalidInputError):
    """A PET series whose header lacks what SUV takes."""

    code: ClassVar[str] = "series.without_suv"


def read_found_volume(found: FoundSeries) -> Volume:
    """Return the series' modality values on its own grid, or on the nominal one where it is no regular volume.

    Raises
    ------
    NotGreyValuesError
        Where frames differ in size, or are in colour.
    studies.dicom.errors.PixelsUndecodableError
        Where a frame cannot be decoded.
    """
    headers = [instance.header.image for instance in found.instances]
    images = [header for header in headers if header is not None]
    grid = found.geometry.geometry or found.geometry.nominal_geometry
    if grid is None:
        raise NotGreyValuesError(f"{found.geometry.explanation} Segmentation needs images of one size.")
    if any(image.is_colour for image in images):
        raise NotGreyValuesError("This series is in colour, and segmentation takes grey values.")
    for dtype in candidate_types(images):
        try:
            voxels = np.stack([_read_frame(found, index, dtype) for index in range(found.frame_count)])
        except DoesNotFitError:
            continue
        return Volume(voxels, grid, found.header.modality)
    raise AssertionError("The last candidate type fits any value.")


def read_found_colours(found: FoundSeries) -> npt.NDArray[np.uint8] | None:
    """Return a colour series as uint8 with axes (slice, row, column, 3); None where its images are grey.

    Raises
    ------
    NotGreyValuesError
        Where frames differ in size or only some are in colour.
    studies.dicom.errors.PixelsUndecodableError
        Where a frame cannot be decoded.
    """
    images = [_image_of(instance.header.image) for instance in found.instances]
    if not any(image.is_colour for image in images):
        return None
    if found.geometry.nominal_geometry is None or not all(image.is_colour for image in images):
        raise NotGreyValuesError("These images differ in size or colour. Give a series of images that are alike.")
    readers = [
        PixelReader(instance.path, image, instance.header.transfer_syntax_uid)
        for instance, image in zip(found.instances, images, strict=True)
    ]
    order = found.geometry.order
    return np.stack([np.asarray(readers[each.image_index].frame(each.frame_index), np.uint8) for each in order])


def scale_found_uptake(found: FoundSeries, volume: Volume) -> Volume:
    """Return the volume of a PET series in SUVbw.

    Raises
    ------
    NoUptakeError
        Says what is missing.
    """
    factor = read_suv_factor([dcmread(each.path, stop_before_pixels=True) for each in found.instances])
    if isinstance(factor, SuvRefusal):
        raise NoUptakeError(f"{factor.explanation} Give a PET series whose header says what SUV takes.")
    return replace(volume, voxels=np.asarray(volume.voxels, np.float32) * np.float32(factor.factor))


def _read_frame(found: FoundSeries, index: int, dtype: ModalityType) -> npt.NDArray[np.generic]:
    reference = found.geometry.order[index]
    instance = found.instances[reference.image_index]
    image = _image_of(instance.header.image)
    reader = PixelReader(instance.path, image, instance.header.transfer_syntax_uid)
    return to_modality(reader.frame(reference.frame_index), image.frames[reference.frame_index], dtype)


def _image_of(image: ImageHeader | None) -> ImageHeader:
    if image is None:
        raise NotGreyValuesError("An object of this series is not an image.")
    return image


def read_found_sources(found: FoundSeries) -> list[SourceFrame]:
    """Return for each slice the attributes of its image object, pixels left out, and its frame number."""
    headers = {
        place: dcmread(found.instances[place].path, stop_before_pixels=True)
        for place in {reference.image_index for reference in found.geometry.order}
    }
    return [SourceFrame(headers[ref.image_index], ref.frame_index + 1) for ref in found.geometry.order]

"""The classical methods as streams of slices. Knows no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.classical.brain_lesions import find_brain, find_bright_lesions
from inference.classical.clustering import find_borders, find_cluster_centres
from inference.classical.grey_values import (
    FlatImageError,
    GreyValues,
    find_body,
    find_body_threshold,
    find_otsu_threshold,
    sample_grey_values,
)
from inference.classical.lungs import AIR_BELOW_HU, find_lungs
from inference.classical.region_growing import grow_region
from inference.classical.retinal_vessels import find_retinal_vessels
from inference.classical.skin_lesions import find_skin_lesion
from inference.classical.uptake import find_uptake
from inference.model_spec import Method, Parameters, read_number, read_point
from inference.pipeline.run_notes import write_note
from inference.pipeline.sweep import Labels, LabelSlices
from studies.errors import InvalidInputError
from studies.imaging.volume import Volume

_LUNG_GRID_MM = 2.0
_MOST_OF_BRAIN = 0.2
NO_BRAIN = (
    "No brain was found, so nothing is marked: no part of this image has a brain's size. Choose a FLAIR series of the "
    "whole head."
)
NO_FLAIR = (
    "More than a fifth of the brain is marked: this is hardly FLAIR, where fluid is dark. Choose the FLAIR series, or "
    "raise the border."
)
NO_LUNGS = (
    "No lungs were found, so nothing is marked: the air in this image is too little, ends below the upper edge of the "
    "image or is plain gas, as in the bowel. Choose an axial CT of the chest in HU."
)


class NotAxialError(InvalidInputError):
    """The slices do not lie across the body."""

    code = "volume.not_axial"


class NoColoursError(InvalidInputError):
    """A method that reads colours was given grey images."""

    code = "series.no_colours"


def prepare_otsu(volume: Volume, parameters: Parameters) -> LabelSlices:
    """Label the body's darker (1) and brighter (2) tissue."""
    voxels = volume.voxels
    sample = sample_grey_values(voxels)
    body_threshold = find_body_threshold(sample)
    split = _split_body(sample[sample > body_threshold], body_threshold)

    def label_slices(start: int, stop: int) -> Labels:
        planes = voxels[start:stop].astype(np.float32)
        body = find_body(planes, body_threshold)
        return np.where(body, np.where(planes > split, 2, 1), 0).astype(np.uint8)

    return label_slices


def _split_body(body: npt.NDArray[np.float32], body_threshold: float) -> float:
    try:
        return find_otsu_threshold(body)
    except FlatImageError:  # a body of one grey value is all brighter tissue
        return body_threshold


def prepare_threshold(volume: Volume, parameters: Parameters) -> LabelSlices:
    """Label (1) what lies between two bounds, both included."""
    voxels = volume.voxels
    lower, upper = read_number(parameters, "lower"), read_number(parameters, "upper")

    def label_slices(start: int, stop: int) -> Labels:
        planes = voxels[start:stop].astype(np.float64)
        return ((planes >= lower) & (planes <= upper)).astype(np.uint8)

    return label_slices


def prepare_kmeans(volume: Volume, parameters: Parameters) -> LabelSlices:
    """Label the body's grey-value classes, 1 the darkest."""
    voxels = volume.voxels
    classes = int(read_number(parameters, "classes"))
    sample = sample_grey_values(voxels)
    body_threshold = find_body_threshold(sample)
    borders = find_borders(find_cluster_centres(sample[sample > body_threshold], classes))

    def label_slices(start: int, stop: int) -> Labels:
        planes = voxels[start:stop].astype(np.float32)
        body = find_body(planes, body_threshold)
        return np.where(body, 1 + np.searchsorted(borders, planes, side="left"), 0).astype(np.uint8)

    return label_slices


def prepare_region_growing(volume: Volume, parameters: Parameters) -> LabelSlices:
    """Label (1) the structure around the clicked voxel; known in full before the first slice can be final."""
    region = grow_region(
        volume.voxels,
        read_point(parameters, "seed"),
        spacing_mm=volume.geometry.spacing_mm,
        tolerance=read_number(parameters, "tolerance"),
        largest_ml=read_number(parameters, "largest_volume"),
    )

    def label_slices(start: int, stop: int) -> Labels:
        return region[start:stop].astype(np.uint8)

    return label_slices


def prepare_uptake(volume: Volume, parameters: Parameters) -> LabelSlices:
    """Label (1) hot parts of a PET image in SUV; known in full before the first slice can be final."""
    hot = find_uptake(
        volume.voxels,
        voxel_ml=volume.geometry.voxel_volume_ml,
        least_suv=read_number(parameters, "least_suv"),
        share=read_number(parameters, "share") / 100,
        least_ml=read_number(parameters, "least_volume"),
    )

    def label_slices(start: int, stop: int) -> Labels:
        return hot[start:stop].astype(np.uint8)

    return label_slices


def prepare_lungs(volume: Volume, parameters: Parameters) -> LabelSlices:
    """Label the right (1) and left (2) lung: found on a coarse grid, the border drawn on the image's own."""
    steps_mm = volume.geometry.index_to_patient_mm[:3, :3]
    if int(np.abs(steps_mm[:, 0]).argmax()) != 2:
        raise NotAxialError("Lungs are looked for slice by slice across the body. Choose the axial series.")
    spacing = volume.geometry.spacing_mm
    strides = [max(1, int(_LUNG_GRID_MM / each)) for each in spacing]
    coarse = np.asarray(volume.voxels[tuple(slice(None, None, step) for step in strides)], np.float32)
    left = tuple(float(steps_mm[0, axis] * strides[axis]) for axis in range(3))
    coarse_mm = tuple(float(each * step) for each, step in zip(spacing, strides, strict=True))
    is_head_last = bool(steps_mm[2, 0] > 0)
    labels = find_lungs(coarse, (coarse_mm[0], coarse_mm[1], coarse_mm[2]), (left[0], left[1], left[2]),
                        is_head_last=is_head_last)  # fmt: skip
    if not labels.any():
        write_note(NO_LUNGS)
    core = ndimage.binary_erosion(labels > 0, np.ones((1, 3, 3), np.uint8)) if max(strides[1:]) > 1 else labels > 0
    rows, columns = (np.arange(n) // step for n, step in zip(volume.voxels.shape[1:], strides[1:], strict=True))

    def label_slices(start: int, stop: int) -> Labels:
        place = np.ix_(np.arange(start, stop) // strides[0], rows, columns)
        is_lung = core[place] | (volume.voxels[start:stop].astype(np.float32) < AIR_BELOW_HU)
        return np.where(is_lung, labels[place], 0).astype(np.uint8)

    return label_slices


def prepare_brain_lesion(volume: Volume, parameters: Parameters) -> LabelSlices:
    """Label (1) what shines above normal brain on FLAIR; known in full before the first slice can be final."""
    image, spacing = np.asarray(volume.voxels, np.float32), volume.geometry.spacing_mm
    brain = find_brain(image, spacing)
    if not brain.any():
        write_note(NO_BRAIN)
    found = find_bright_lesions(
        image,
        brain,
        spacing,
        spread=read_number(parameters, "spread"),
        least_ml=read_number(parameters, "least_volume"),
        most=int(read_number(parameters, "most")),
    )
    if found.sum() > _MOST_OF_BRAIN * brain.sum() > 0:
        write_note(NO_FLAIR)

    def label_slices(start: int, stop: int) -> Labels:
        return found[start:stop].astype(np.uint8)

    return label_slices


def prepare_skin_lesion(colours: Sequence[GreyValues], parameters: Parameters) -> LabelSlices:
    """Label (1) the one lesion on each photograph, each by itself.

    Parameters
    ----------
    colours
        Red, green and blue, each with axes (slice, row, column).

    Raises
    ------
    NoColoursError
        Where there are none.
    """
    if len(colours) != 3:
        raise NoColoursError("These images are grey, and a skin lesion is told by its colour. Choose a photograph.")

    def label_slices(start: int, stop: int) -> Labels:
        labels = np.zeros((stop - start, *colours[0].shape[1:]), np.uint8)
        for number in range(start, stop):
            found = find_skin_lesion(np.stack([plane[number] for plane in colours], axis=-1))
            labels[number - start] = found.mask
            if found.reason is not None:
                write_note(f"Nothing is marked on picture {number + 1}: {found.reason}. Outline it by hand.")
        return labels

    return label_slices


def prepare_retinal_vessels(colours: Sequence[GreyValues], parameters: Parameters) -> LabelSlices:
    """Label artery (1) and vein (2) on each fundus photograph, each by itself; takes and raises as for skin."""
    if len(colours) != 3:
        raise NoColoursError("These images are grey, and vessels are told by their colour. Choose a photograph.")

    def label_slices(start: int, stop: int) -> Labels:
        labels = np.stack([find_retinal_vessels(colours[0][n], colours[1][n]) for n in range(start, stop)])
        for number in np.flatnonzero(~labels.any(axis=(1, 2))) + start:
            write_note(f"Nothing is marked on picture {number + 1}: no retina fills it. Choose a fundus photograph.")
        return labels

    return label_slices


Prepare = Callable[[Volume, Parameters], LabelSlices]
PrepareColours = Callable[[Sequence[GreyValues], Parameters], LabelSlices]

CLASSICAL_METHODS: Mapping[Method, Prepare] = MappingProxyType(
    {
        Method.OTSU: prepare_otsu,
        Method.THRESHOLD: prepare_threshold,
        Method.KMEANS: prepare_kmeans,
        Method.REGION_GROWING: prepare_region_growing,
        Method.LUNGS: prepare_lungs,
        Method.UPTAKE: prepare_uptake,
        Method.BRAIN_LESION: prepare_brain_lesion,
    }
)
COLOUR_METHODS: Mapping[Method, PrepareColours] = MappingProxyType(
    {Method.SKIN_LESION: prepare_skin_lesion, Method.RETINAL_RIDGES: prepare_retinal_vessels}
)
"""Those that read the red, green and blue of photographs."""

"""The classical methods as streams of slices. Knows no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from inference.classical.clustering import find_borders, find_cluster_centres
from inference.classical.grey_values import (
    FlatImageError,
    find_body,
    find_body_threshold,
    find_otsu_threshold,
    sample_grey_values,
)
from inference.classical.region_growing import grow_region
from inference.model_spec import Method, Parameters, read_number, read_point
from inference.pipeline.sweep import Labels, LabelSlices
from studies.imaging.volume import Volume


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


Prepare = Callable[[Volume, Parameters], LabelSlices]

CLASSICAL_METHODS: Mapping[Method, Prepare] = MappingProxyType(
    {
        Method.OTSU: prepare_otsu,
        Method.THRESHOLD: prepare_threshold,
        Method.KMEANS: prepare_kmeans,
        Method.REGION_GROWING: prepare_region_growing,
    }
)

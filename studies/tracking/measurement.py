"""What is measured of a lesion, where each number came from, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap
from studies.tracking.components import Lesion, Vector, find_lesions
from studies.tracking.diameters import Diameter, InPlaneDiameters, measure_in_plane, measure_through_space
from studies.tracking.intensities import IntensityStatistics, measure_intensities
from studies.tracking.intervals import (
    FEWEST_STEPS,
    PERPENDICULAR_TIP_SHARE,
    Quantity,
    bound_diameter,
    bound_volume,
    find_slice_factor,
    multiply,
)
from studies.tracking.planes import ImagePlane, find_plane

SHEAR_COSINE = 1e-3


class Caution(StrEnum):
    """What a reader should know before relying on a number; the codes never change."""

    FEW_SLICES = "measurement.fewer_than_three_slices"
    CUT_OFF = "measurement.touches_the_edge_of_the_image"
    INTERRUPTED = "measurement.diameter_crosses_a_gap"
    TILTED = "measurement.slices_are_tilted"


@dataclass(frozen=True, slots=True)
class MeasurementSource:
    """Where numbers came from.

    Attributes
    ----------
    revision_digest
        Of the label map (`LabelMap.digest`).
    plane
        The images' plane, in which diameters were taken.
    """

    revision_digest: str
    plane: ImagePlane


@dataclass(frozen=True, slots=True)
class LesionMeasurement:
    """All numbers of one lesion.

    Attributes
    ----------
    segment_number, lesion_number
        As in `Lesion`.
    voxel_count, slice_count
        Voxels, and slices from the first to the last it reaches.
    centroid_mm
        Mean of its voxel centres, patient LPS.
    volume
        mL.
    in_plane
        Slice and end points of both diameters in the acquisition plane.
    longest_diameter, perpendicular_diameter, product
        The lengths in mm and mm2 with their intervals.
    through_space, maximum_diameter
        The longest distance in three dimensions: end points, and the length in mm with its interval.
    intensity
        None where no image was given or a value is not finite.
    cautions
        In the order of `Caution`.
    """

    segment_number: int
    lesion_number: int
    voxel_count: int
    slice_count: int
    centroid_mm: Vector
    volume: Quantity
    in_plane: InPlaneDiameters
    longest_diameter: Quantity
    perpendicular_diameter: Quantity
    product: Quantity
    through_space: Diameter
    maximum_diameter: Quantity
    intensity: IntensityStatistics | None
    source: MeasurementSource
    cautions: tuple[Caution, ...]

    @property
    def short_axis(self) -> Quantity:
        """A node's short axis, mm: the longest perpendicular in the slice of the longest diameter."""
        return self.perpendicular_diameter


def measure_lesions(
    label_map: LabelMap, *, image: Volume | None = None, unit: str = "", revision_digest: str | None = None
) -> tuple[LesionMeasurement, ...]:
    """Measure every lesion of a label map, in the order of `find_lesions`.

    Parameters
    ----------
    image
        On the label map's own grid, for intensities.
    unit
        Of the image's values.
    revision_digest
        The label map's digest where it is known already; computed otherwise.
    """
    source = MeasurementSource(revision_digest or label_map.digest, find_plane(label_map.geometry))
    return tuple(
        measure_lesion(lesion, label_map.geometry, source, image=image, unit=unit) for lesion in find_lesions(label_map)
    )


def measure_lesion(
    lesion: Lesion, geometry: VolumeGeometry, source: MeasurementSource, *, image: Volume | None = None, unit: str = ""
) -> LesionMeasurement:
    """Measure one lesion, as found or as cut by hand."""
    steps = geometry.index_to_patient_mm[:3, :3]
    in_plane, through_space = measure_in_plane(lesion, geometry), measure_through_space(lesion, geometry)
    longest, across = in_plane.longest, in_plane.perpendicular
    factor = find_slice_factor(longest.length_mm, in_plane.neighbours_mm, lesion.mask.shape[0])
    longest_mm = bound_diameter(longest.length_mm, longest.ends_mm, steps[:, 1:], factor)
    across_mm = bound_diameter(across.length_mm, across.ends_mm, steps[:, 1:], factor, PERPENDICULAR_TIP_SHARE)
    return LesionMeasurement(
        segment_number=lesion.segment_number,
        lesion_number=lesion.lesion_number,
        voxel_count=lesion.voxel_count,
        slice_count=lesion.mask.shape[0],
        centroid_mm=lesion.centroid_mm(geometry),
        volume=bound_volume(lesion.mask, geometry),
        in_plane=in_plane,
        longest_diameter=longest_mm,
        perpendicular_diameter=across_mm,
        product=multiply(longest_mm, across_mm),
        through_space=through_space,
        maximum_diameter=bound_diameter(through_space.length_mm, through_space.ends_mm, steps),
        intensity=None if image is None else measure_intensities(lesion, image, unit=unit),
        source=source,
        cautions=_cautions(lesion, geometry, in_plane, source.plane),
    )


def _cautions(
    lesion: Lesion, geometry: VolumeGeometry, in_plane: InPlaneDiameters, plane: ImagePlane
) -> tuple[Caution, ...]:
    along = geometry.index_to_patient_mm[:3, 0]
    lean = abs(float(np.dot(along, plane.normal))) / float(np.linalg.norm(along))
    at_edge = any(
        each.start == 0 or each.stop == size for each, size in zip(lesion.box, geometry.shape, strict=True) if size > 1
    )
    found = {
        Caution.FEW_SLICES: lesion.mask.shape[0] < FEWEST_STEPS,
        Caution.CUT_OFF: at_edge,
        Caution.INTERRUPTED: in_plane.part_count > 1,
        Caution.TILTED: lean < 1.0 - SHEAR_COSINE,
    }
    return tuple(caution for caution in Caution if found[caution])

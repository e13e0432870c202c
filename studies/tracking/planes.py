"""The plane images were acquired in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from studies.imaging.geometry import VolumeGeometry

Vector = tuple[float, float, float]

MOST_OBLIQUE_DEGREES = 30.0
"""Up to this angle a plane keeps the name of the anatomical plane it is nearest to."""


class PlaneName(StrEnum):
    """What a reader calls it."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"
    OBLIQUE = "oblique"


_NAMES = (PlaneName.SAGITTAL, PlaneName.CORONAL, PlaneName.AXIAL)


@dataclass(frozen=True, slots=True)
class ImagePlane:
    """Direction of a stack of images.

    Attributes
    ----------
    normal
        Unit vector, patient LPS, its largest component positive: a plane has no front.
    name
        The anatomical plane it is nearest to.
    """

    normal: Vector
    name: PlaneName

    def degrees_to(self, other: ImagePlane) -> float:
        """Return the angle between two planes, 0 to 90."""
        return float(np.degrees(np.arccos(min(1.0, abs(float(np.dot(self.normal, other.normal)))))))


def find_plane(geometry: VolumeGeometry) -> ImagePlane:
    """Return the plane that rows and columns span, whichever way the slices are stacked."""
    row_step, column_step = geometry.index_to_patient_mm[:3, 1], geometry.index_to_patient_mm[:3, 2]
    normal = np.cross(column_step, row_step)
    normal /= np.linalg.norm(normal)
    largest = int(np.argmax(np.abs(normal)))
    normal *= np.sign(normal[largest])
    is_near = float(normal[largest]) >= np.cos(np.radians(MOST_OBLIQUE_DEGREES))
    x, y, z = (float(value) for value in normal)
    return ImagePlane((x, y, z), _NAMES[largest] if is_near else PlaneName.OBLIQUE)


def flatten_plane(geometry: VolumeGeometry) -> npt.NDArray[np.float64]:
    """Return the 2x2 matrix from (row, column) steps to mm in an orthonormal basis of the image plane.

    A step is a row vector: ``steps @ matrix``. The first coordinate runs along the columns' direction of increase,
    the second at right angles to it; pixels that are no rectangles keep their shape.
    """
    row_step, column_step = geometry.index_to_patient_mm[:3, 1], geometry.index_to_patient_mm[:3, 2]
    first = column_step / np.linalg.norm(column_step)
    second = row_step - (row_step @ first) * first
    second /= np.linalg.norm(second)
    return np.array([[row_step @ first, row_step @ second], [column_step @ first, 0.0]])

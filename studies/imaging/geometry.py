"""Where voxels lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class VolumeGeometry:
    """The place of a regular grid of voxels in the patient.

    Attributes
    ----------
    shape
        (slices, rows, columns).
    spacing_mm
        Distance between neighbouring voxel centres along (slice, row, column): slice-to-slice, down a column of the
        image, along a row of it.
    origin_mm
        Centre of voxel (0, 0, 0) in patient LPS, mm.
    direction
        3x3, row-major; its columns are the unit vectors of increasing slice, row and column index in LPS.

    Raises
    ------
    ValueError
        Where a size is not positive or the axes do not span space.

    References
    ----------
    DICOM PS3.3 C.7.6.2.1.1 (Image Plane).
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    direction: tuple[float, float, float, float, float, float, float, float, float]

    def __post_init__(self) -> None:
        if min(self.shape) < 1:
            raise ValueError(f"A volume needs at least one voxel along each axis, not {self.shape}.")
        if not all(np.isfinite(s) and s > 0 for s in self.spacing_mm):
            raise ValueError(f"Spacing must be positive, not {self.spacing_mm} mm.")
        if abs(float(np.linalg.det(np.reshape(self.direction, (3, 3))))) < 1e-3:
            raise ValueError("The three axes of the volume do not span space.")

    @property
    def index_to_patient_mm(self) -> npt.NDArray[np.float64]:
        """4x4 affine from (slice, row, column, 1) to LPS (x, y, z, 1) in mm."""
        affine = np.eye(4)
        affine[:3, :3] = np.reshape(self.direction, (3, 3)) * np.asarray(self.spacing_mm)
        affine[:3, 3] = self.origin_mm
        return affine

    @property
    def sides_mm(self) -> tuple[float, float, float]:
        """Lengths of the volume along (slice, row, column), mm."""
        first, second, third = (n * s for n, s in zip(self.shape, self.spacing_mm, strict=True))
        return first, second, third

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel, mL; sheared grids included."""
        return abs(float(np.linalg.det(self.index_to_patient_mm[:3, :3]))) / 1000.0

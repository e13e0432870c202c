"""One volume's values on another one's grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK

from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume

itk: Any = SimpleITK
_FWHM = 2.3548  # full width at half maximum of a normal distribution, in standard deviations


def resample_onto(
    volume: Volume, grid: VolumeGeometry, grid_to_volume_mm: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.float32]:
    """Return the values of a volume at the voxels of a grid, linear in between; shape of the grid, float32.

    Where the grid is coarser than the volume, the volume is smoothed to the grid's voxels first, so that nothing
    aliases. What lies outside the volume gets its least value.

    Parameters
    ----------
    grid_to_volume_mm
        4x4 from the grid's patient LPS to the volume's, mm; None where they are the same.
    """
    matrix = np.eye(4) if grid_to_volume_mm is None else grid_to_volume_mm
    if grid == volume.geometry and np.array_equal(matrix, np.eye(4)):
        return np.asarray(volume.voxels, np.float32)
    values = np.asarray(volume.voxels, np.float32)
    image = _smooth(_as_image(values, volume.geometry), volume.geometry, grid, matrix)
    transform = itk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].reshape(-1).tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    columns = np.reshape(grid.direction, (3, 3))[:, ::-1]
    moved = itk.Resample(
        image,
        [int(n) for n in reversed(grid.shape)],
        transform,
        itk.sitkLinear,
        grid.origin_mm,
        [float(s) for s in reversed(grid.spacing_mm)],
        tuple(columns.reshape(-1)),
        float(values.min()),
        itk.sitkFloat32,
    )
    found: npt.NDArray[np.float32] = itk.GetArrayFromImage(moved)
    return found


def _as_image(values: npt.NDArray[np.float32], geometry: VolumeGeometry) -> Any:
    image = itk.GetImageFromArray(values)
    image.SetSpacing(tuple(float(s) for s in reversed(geometry.spacing_mm)))
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(tuple(np.reshape(geometry.direction, (3, 3))[:, ::-1].reshape(-1)))
    return image


def _smooth(image: Any, own: VolumeGeometry, grid: VolumeGeometry, matrix: npt.NDArray[np.float64]) -> Any:
    """Widen the volume's voxels to the grid's along each of the volume's axes where the grid's are larger."""
    steps = matrix[:3, :3] @ (np.reshape(grid.direction, (3, 3)) * np.asarray(grid.spacing_mm))
    along = np.abs(np.linalg.solve(np.reshape(own.direction, (3, 3)), steps)).max(axis=1)
    for axis, (own_mm, grid_mm) in enumerate(zip(own.spacing_mm, along, strict=True)):
        if grid_mm > own_mm * 1.5 and own.shape[axis] >= 4:  # the filter needs four voxels
            sigma = float(np.sqrt(grid_mm**2 - own_mm**2)) / _FWHM
            image = itk.RecursiveGaussian(image, sigma, False, itk.RecursiveGaussianImageFilter.ZeroOrder, 2 - axis)
    return image

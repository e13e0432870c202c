"""Square cuts through a volume, in any plane, as a reader faces them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from studies.imaging.volume import Volume

Vector = npt.NDArray[np.float64]

_SCREEN_RIGHT = ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (1.0, 0.0, 0.0))
"""Patient direction that runs right on the screen for a plane whose normal is mostly x, y or z (LPS)."""
_SCREEN_DOWN = ((0.0, 0.0, -1.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))


def cut_square(
    volume: Volume, *, centre_mm: npt.ArrayLike, normal: npt.ArrayLike, size_mm: float, side: int
) -> npt.NDArray[np.float32]:
    """Return a square around a point, `side` pixels a side, interpolated linearly; NaN outside the volume.

    Sagittal planes show anterior on the left and superior above, coronal and axial ones the patient's right on the
    left.

    Raises
    ------
    ValueError
        Where the normal has no length.
    """
    right, down = face_plane(normal)
    steps = (np.arange(side) - (side - 1) / 2.0) * (size_mm / side)
    places = np.asarray(centre_mm, np.float64) + steps[:, None, None] * down + steps[None, :, None] * right
    back = np.linalg.inv(volume.geometry.index_to_patient_mm)
    index = np.moveaxis(places @ back[:3, :3].T + back[:3, 3], -1, 0)
    shape = np.asarray(volume.geometry.shape).reshape(3, 1, 1)
    is_inside = ((index >= -0.5) & (index <= shape - 0.5)).all(axis=0)
    cut = np.empty((side, side), np.float32)
    ndimage.map_coordinates(volume.voxels, index, cut, order=1, mode="nearest")  # type: ignore[call-overload]  # an array takes the answer
    cut[~is_inside] = np.nan
    return cut


def face_plane(normal: npt.ArrayLike) -> tuple[Vector, Vector]:
    """Return unit vectors to the right and down on the screen for a plane, perpendicular to its normal."""
    across = np.asarray(normal, dtype=np.float64)
    length = float(np.linalg.norm(across))
    if length < 1e-6:
        raise ValueError("A plane's normal needs a length.")
    across = across / length
    axis = int(np.argmax(np.abs(across)))
    right = np.asarray(_SCREEN_RIGHT[axis]) - across * across[np.asarray(_SCREEN_RIGHT[axis], bool)][0]
    right = right / float(np.linalg.norm(right))
    down = np.cross(across, right)
    return right, down if float(down @ _SCREEN_DOWN[axis]) > 0.0 else -down

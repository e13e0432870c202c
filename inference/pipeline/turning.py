"""Turn a volume by whole axes into the orientation a network was trained in, and what it says back. Loses nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inference.model_spec import Focus
from inference.network_spec import SLICE_ROW_COLUMN
from studies.imaging.geometry import VolumeGeometry

Shape = tuple[int, int, int]
_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))
"""Where each axis of DICOM's patient coordinates (LPS) leads: forward, backward."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Which axis of the series becomes each axis of the network, and which of those run the other way.

    Attributes
    ----------
    axes
        For each axis of the network the axis (0 slice, 1 row, 2 column) of the series.
    flipped
        Axes of the network that run against the series.
    shape
        Voxels of the series, (slice, row, column).
    """

    axes: Shape
    flipped: tuple[int, ...]
    shape: Shape

    @property
    def turned_shape(self) -> Shape:
        """Voxels along the network's axes."""
        z, y, x = (self.shape[axis] for axis in self.axes)
        return z, y, x

    def turn(self, voxels: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Return the series' voxels along the network's axes, as a view."""
        return np.flip(voxels.transpose(self.axes), self.flipped)

    def turn_values(self, values: tuple[float, float, float]) -> tuple[float, float, float]:
        """Return one value for each axis, such as the spacing, along the network's axes."""
        first, second, third = (values[axis] for axis in self.axes)
        return first, second, third

    def turn_axes(self, geometry: VolumeGeometry) -> npt.NDArray[np.float64]:
        """Return 3x3, column by column, the way in mm from a voxel to the next along each of the network's axes."""
        axes_mm = geometry.index_to_patient_mm[:3, list(self.axes)]
        axes_mm[:, list(self.flipped)] *= -1.0
        return axes_mm

    def turn_voxel(self, voxel: Focus) -> Focus:
        """Return where a voxel of the series lies along the network's axes."""
        turned = [voxel[axis] for axis in self.axes]
        for axis in self.flipped:
            turned[axis] = self.turned_shape[axis] - 1 - turned[axis]
        return turned[0], turned[1], turned[2]

    def turn_back(self, labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return labels along the network's axes as slices, rows and columns."""
        back: npt.NDArray[np.uint8] = np.flip(labels, self.flipped).transpose(np.argsort(self.axes))
        return back

    def turn_back_origin(self, origin: Shape, size: Shape) -> Shape:
        """Return the first voxel, in the series, of a box that begins at `origin` along the network's axes."""
        back = [0, 0, 0]
        for axis, along in enumerate(self.axes):
            far = self.turned_shape[axis] - origin[axis] - size[axis]
            back[along] = far if axis in self.flipped else origin[axis]
        return back[0], back[1], back[2]


def find_turn(geometry: VolumeGeometry, orientation: str) -> Turn:
    """Return how a series must be turned for `NetworkSpec.orientation`; oblique ones by the nearest whole axes."""
    if " " in orientation:
        stored = SLICE_ROW_COLUMN.split()
        first, second, third = (stored.index(word) for word in orientation.split())
        return Turn((first, second, third), (), geometry.shape)
    letters = name_axes(geometry)
    axes, flipped = [], []
    for axis, wanted in enumerate(orientation):
        along = next(i for i, (forward, backward) in enumerate(letters) if wanted in (forward, backward))
        axes.append(along)
        if letters[along][0] != wanted:
            flipped.append(axis)
    return Turn((axes[0], axes[1], axes[2]), tuple(flipped), geometry.shape)


def name_axes(geometry: VolumeGeometry) -> list[tuple[str, str]]:
    """Return for slices, rows and columns the letters of where they lead, forward and backward."""
    cosines = np.reshape(geometry.direction, (3, 3)).astype(float)
    names: dict[int, tuple[str, str]] = {}
    left = np.abs(cosines)
    for _ in range(3):  # the clearest axis chooses first, so that no two get the same letters
        patient, along = (int(i) for i in np.unravel_index(int(np.argmax(left)), left.shape))
        forward, backward = _LETTERS[patient]
        names[along] = (forward, backward) if cosines[patient, along] > 0 else (backward, forward)
        left[patient, :] = left[:, along] = -1.0
    return [names[along] for along in range(3)]

"""Images as arrays with a place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studies.imaging.geometry import VolumeGeometry


@dataclass(frozen=True, slots=True)
class Volume:
    """A grey-value image on a regular grid.

    Attributes
    ----------
    voxels
        Modality values (HU, counts, ...) with axes (slice, row, column); int16, uint16, uint8 or float32.
    geometry
        The grid's place in patient LPS.
    modality
        DICOM modality, as "MR".
    """

    voxels: npt.NDArray[np.generic]
    geometry: VolumeGeometry
    modality: str = "OT"

    def __post_init__(self) -> None:
        if self.voxels.shape != self.geometry.shape:
            raise ValueError(f"Voxels of shape {self.voxels.shape} on a grid of {self.geometry.shape}.")

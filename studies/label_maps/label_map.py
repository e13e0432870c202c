"""Label maps: one segment number per voxel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from studies.imaging.geometry import VolumeGeometry

CodedConcept = tuple[str, str, str]
"""(value, scheme designator, meaning)."""
PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
"""Okabe and Ito: told apart also by the colour-blind."""


@dataclass(frozen=True, slots=True)
class SegmentDescription:
    """What a segment number means.

    Attributes
    ----------
    segment_number
        From 1; 0 is background.
    segment_label
        Shown to the reader, <= 64 characters (VR LO).
    category, type
        Coded as in CID 7150 and CID 7151.
    colour
        ``#rrggbb``.
    """

    segment_number: int
    segment_label: str
    category: CodedConcept = ("49755003", "SCT", "Morphologically Altered Structure")
    type: CodedConcept = ("52988006", "SCT", "Lesion")
    colour: str = "#e69f00"

    def __post_init__(self) -> None:
        if not 1 <= self.segment_number <= 65535:
            raise ValueError(f"Segment numbers run from 1 to 65535, not {self.segment_number}.")
        if not 0 < len(self.segment_label) <= 64:
            raise ValueError("A segment label has 1 to 64 characters.")


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Segment numbers on a grid.

    Attributes
    ----------
    voxels
        uint8 or uint16, axes (slice, row, column); 0 is background.
    geometry
        The grid; a label map of a series lies on that series' own grid.
    segments
        Description of each segment number that may occur, ascending.
    """

    voxels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    geometry: VolumeGeometry
    segments: tuple[SegmentDescription, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.voxels.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"Label maps hold uint8 or uint16, not {self.voxels.dtype}.")
        if self.voxels.shape != self.geometry.shape:
            raise ValueError(f"Voxels of shape {self.voxels.shape} on a grid of {self.geometry.shape}.")

    @property
    def digest(self) -> str:
        """SHA-256 over shape, type and voxels: equal digests mean bit-identical label maps."""
        return digest_voxels(self.voxels)


def digest_voxels(voxels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> str:
    """Return the SHA-256 over ``"segweb-label-map:SxRxC:dtype\\n"`` and the little-endian voxels in C order."""
    shape = "x".join(str(n) for n in voxels.shape)
    digest = hashlib.sha256(f"segweb-label-map:{shape}:{voxels.dtype.name}\n".encode())
    digest.update(np.ascontiguousarray(voxels, dtype=voxels.dtype.newbyteorder("<")).data)
    return digest.hexdigest()

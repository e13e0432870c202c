"""What one change means in another measure, for a ball: diameter, area, volume."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from studies.imaging.geometry import VolumeGeometry


@dataclass(frozen=True, slots=True)
class EquivalentChanges:
    """Relative change of area and of volume, per cent, exact."""

    area_pct: Decimal
    volume_pct: Decimal


def compare_measures(diameter_factor: Decimal) -> EquivalentChanges:
    """Return the changes of area and volume of a ball whose diameter changes by this factor: f^2 - 1 and f^3 - 1."""
    hundred = Decimal(100)
    return EquivalentChanges((diameter_factor**2 - 1) * hundred, (diameter_factor**3 - 1) * hundred)


def compute_volume_ml(voxel_count: int, geometry: VolumeGeometry) -> float:
    """Return the volume of some voxels.

    The slice distance is the projection of the step between slices on their normal: a tilted gantry makes voxels
    smaller than the product of their edges.
    """
    return voxel_count * geometry.voxel_volume_ml

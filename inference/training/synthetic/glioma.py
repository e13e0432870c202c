"""A glioma as tissue: necrotic core, irregular enhancing rim, oedema that follows the white matter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inference.training.synthetic.noise import Field, fractal_noise, smooth_noise, smooth_step
from inference.training.synthetic.shapes import Coordinates, Distance, Ellipsoid, Place, blend
from studies.label_maps.label_map import SegmentDescription

NECROSIS, ENHANCING, OEDEMA = 1, 2, 3
GLIOMA_SEGMENTS: tuple[SegmentDescription, ...] = (
    SegmentDescription(NECROSIS, "Necrotic core", type=("6574001", "SCT", "Necrosis"), colour="#d55e00"),
    SegmentDescription(ENHANCING, "Enhancing tumour", type=("108369006", "SCT", "Neoplasm"), colour="#e69f00"),
    SegmentDescription(OEDEMA, "Oedema", type=("79654002", "SCT", "Edema"), colour="#56b4e9"),
)


@dataclass(frozen=True, slots=True)
class Glioma:
    """One tumour at one date.

    Attributes
    ----------
    centre_mm
        Along (slice, row, column), in the frame of the coordinates it is drawn on.
    radii_mm
        Of the main lobe.
    lobes
        Further lobes: (offset from the centre in units of the mean radius, radius in the same units).
    rim_mm
        Mean thickness of the enhancing rim; the lesion is solid where that is more than its radius.
    oedema_mm
        How far oedema reaches in white matter.
    roughness
        Standard deviation of the surface relative to the mean radius.
    """

    centre_mm: Place
    radii_mm: Place
    lobes: tuple[tuple[Place, float], ...]
    rim_mm: float
    oedema_mm: float
    roughness: float = 0.16

    @property
    def mean_radius_mm(self) -> float:
        """Geometric mean of the main lobe's radii."""
        return math.prod(self.radii_mm) ** (1 / 3)


@dataclass(frozen=True, slots=True)
class LesionShares:
    """Share of each lesion tissue in each voxel, 0 to 1, float32; together at most 1."""

    necrosis: Field
    enhancing: Field
    oedema: Field

    def fields(self) -> tuple[Field, Field, Field]:
        """Return the shares in the order of `GLIOMA_SEGMENTS`."""
        return (self.necrosis, self.enhancing, self.oedema)

    def over(self, other: LesionShares) -> LesionShares:
        """Return this lesion painted over another; oedema gives way to the tumour of either."""
        tumour = self.necrosis + self.enhancing
        necrosis = self.necrosis + (1 - tumour) * other.necrosis
        enhancing = self.enhancing + (1 - tumour) * other.enhancing
        oedema = np.maximum(self.oedema, other.oedema) * (1 - necrosis - enhancing)
        return LesionShares(necrosis, enhancing, np.asarray(oedema, dtype=np.float32))


def label_shares(labels: npt.NDArray[np.uint8], shares: LesionShares) -> None:
    """Write the segment number of each voxel that lesion fills to more than half, in place.

    Tumour goes before oedema; within tumour the larger of core and rim wins.
    """
    tumour = shares.necrosis + shares.enhancing
    labels[shares.oedema > 0.5] = OEDEMA
    labels[(tumour > 0.5) & (shares.necrosis >= shares.enhancing)] = NECROSIS
    labels[(tumour > 0.5) & (shares.enhancing > shares.necrosis)] = ENHANCING


def draw_glioma(
    rng: np.random.Generator, glioma: Glioma, at: Coordinates, spacing_mm: Place, white_matter: Field, brain: Field
) -> LesionShares:
    """Draw a glioma on a grid.

    With a generator in the same state the surface's bumps lie in the same places whatever the size, so a larger
    radius at a later date contains the earlier tumour.

    Parameters
    ----------
    at, spacing_mm
        The grid's places and spacing along (slice, row, column).
    white_matter, brain
        Shares of white matter and of brain tissue (grey or white) on that grid, 0 to 1.
    """
    shape = white_matter.shape
    surface = tumour_distance(rng, glioma, at, shape, spacing_mm)
    rim_noise = smooth_noise(rng, shape, spacing_mm, scale_mm=6.0)
    nodules = smooth_noise(rng, shape, spacing_mm, scale_mm=9.0)
    fingers = fractal_noise(rng, shape, spacing_mm, scale_mm=14.0, octaves=2)
    rim = np.float32(glioma.rim_mm) * np.clip(1.0 + 0.35 * rim_noise + 0.8 * np.maximum(nodules - 0.8, 0.0), 0.35, 3.0)
    tumour = smooth_step(surface, width=1.6) * np.clip(brain * 1.5, 0.0, 1.0)
    necrosis = smooth_step(surface + rim, width=1.4) * tumour
    reach = np.float32(glioma.oedema_mm) * (0.75 + 0.35 * fingers) * np.clip(white_matter * 1.3 - 0.15, 0.0, 1.0)
    oedema = smooth_step(surface - reach, width=5.0) * (1 - tumour) * np.clip(white_matter * 1.6, 0.0, 1.0)
    oedema = oedema * smooth_step(1.0 - reach, width=2.0)
    return LesionShares(necrosis, tumour - necrosis, oedema.astype(np.float32))


def tumour_distance(
    rng: np.random.Generator, glioma: Glioma, at: Coordinates, shape: tuple[int, ...], spacing_mm: Place
) -> Distance:
    """Return about the signed distance from the tumour's surface, bumps included."""
    radius = glioma.mean_radius_mm
    surface = Ellipsoid(glioma.centre_mm, glioma.radii_mm).distance(at)
    for offset, relative in glioma.lobes:
        centre = tuple(c + o * radius for c, o in zip(glioma.centre_mm, offset, strict=True))
        lobe = Ellipsoid((centre[0], centre[1], centre[2]), (relative * radius,) * 3).distance(at)
        surface = blend(surface, lobe, radius_mm=0.35 * radius)
    bumps = fractal_noise(rng, shape, spacing_mm, scale_mm=11.0, octaves=2)
    rough: Distance = surface + np.float32(glioma.roughness * radius) * bumps
    return rough

"""A whole head around the template brain: skull, scalp, orbits, sinuses, muscles and great vessels.

The shipped template is stripped of its skull. What lies around the brain here is drawn from distances to the brain's
own surface, in proportions of an adult head; it belongs to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.training.synthetic.noise import enlarge, fractal_noise, smooth_noise, smooth_step
from inference.training.synthetic.shapes import Coordinates, Distance, Ellipsoid, Rod, Shape, blend, near, open_grid
from inference.training.synthetic.template import ORIGIN_MM, BrainTemplate, load_brain_template

Share = npt.NDArray[np.uint8]
_SEED = 152
_FACE_TOP_MM = -8.0
_SIDES = (-1.0, 1.0)


@dataclass(frozen=True, slots=True)
class HeadTissues:
    """Share of each tissue in each voxel, 0 to 255, axes (slice, row, column) at 1 mm; what is missing gives no signal.

    Bone and air give next to no signal, so they are not stored.
    """

    grey_matter: Share
    white_matter: Share
    fluid: Share
    fat: Share
    muscle: Share
    vessel: Share

    def channels(self) -> tuple[Share, ...]:
        """Return the shares in the order of `TISSUES`."""
        return tuple(getattr(self, name) for name in TISSUES)


TISSUES: tuple[str, ...] = tuple(f.name for f in fields(HeadTissues))


@dataclass(frozen=True, slots=True)
class _Surfaces:
    """Distances in mm, float32, at 1 mm: from the brain's hull (outside positive), under the skin, skull thickness."""

    hull: Distance
    depth: Distance
    skull_mm: Distance


@lru_cache(maxsize=1)
def load_head() -> HeadTissues:
    """Build the head; cached per process, the same for everybody."""
    template = load_brain_template()
    rng = np.random.default_rng(_SEED)
    shape = template.brain.shape
    at = open_grid(shape, (1.0, 1.0, 1.0), ORIGIN_MM)
    surfaces = _surfaces(rng, template, at)
    fat, muscle = _scalp_and_skull(rng, surfaces, at)
    _add_face(rng, _Canvas(fat, muscle, at), surfaces)
    vessel = _vessels(rng, surfaces, at, template)
    outside = np.float32(1.0) - template.brain.astype(np.float32)
    subarachnoid = smooth_step(surfaces.hull - np.float32(1.5), width=1.0) * outside * (1 - vessel)
    clear = (1 - subarachnoid) * outside
    head = [
        template.grey_matter * (1 - vessel),
        template.white_matter * (1 - vessel),
        np.maximum(np.maximum(template.fluid * (1 - vessel), subarachnoid), _vitreous(shape, at)),
        fat * clear * (1 - vessel),
        muscle * clear * (1 - vessel),
        vessel,
    ]
    full = np.maximum(head[0], 0.0)
    for tissue in head[1:]:
        full = full + tissue
    scale = np.float32(255.0) / np.maximum(full, np.float32(1.0))  # soft edges of neighbours overlap
    return HeadTissues(*(np.round(np.clip(tissue, 0.0, 1.0) * scale).astype(np.uint8) for tissue in head))


def _signed_distance_mm(inside: npt.NDArray[np.bool_], spacing_mm: float) -> Distance:
    outer = ndimage.distance_transform_edt(~inside)
    inner = ndimage.distance_transform_edt(inside)
    distance: Distance = ((outer - inner) * spacing_mm).astype(np.float32)
    return distance


def _surfaces(rng: np.random.Generator, template: BrainTemplate, at: Coordinates) -> _Surfaces:
    """Derive the layers' surfaces on a grid of 2 mm (they are smooth) and enlarge them."""
    brain = template.brain[::2, ::2, ::2]
    coarse = Coordinates(at.slice_mm[::2], at.row_mm[:, ::2], at.column_mm[:, :, ::2])
    reach_mm = 14.0
    closed = ndimage.distance_transform_edt(ndimage.distance_transform_edt(~brain) * 2.0 <= reach_mm) * 2.0 > reach_mm
    hull = ndimage.gaussian_filter(_signed_distance_mm(closed | brain, 2.0), 1.0)
    spacing = (2.0, 2.0, 2.0)
    temple = np.exp(-(((coarse.slice_mm + 5.0) / 30.0) ** 2)) * (np.abs(coarse.column_mm) > 45.0)
    skull = 6.5 + 0.9 * smooth_noise(rng, brain.shape, spacing, scale_mm=40.0) - 2.0 * temple
    scalp = 6.0 + 0.8 * smooth_noise(rng, brain.shape, spacing, scale_mm=50.0) + 5.0 * temple
    cranium = hull - 2.0 - skull - scalp
    head = blend(cranium, Ellipsoid((-78.0, -32.0, 0.0), (62.0, 66.0, 66.0)).distance(coarse), radius_mm=12.0)
    head = blend(head, Rod((-24.0, -80.0, 0.0), (-70.0, -104.0, 0.0), 5.0, 12.0).distance(coarse), radius_mm=8.0)
    head = blend(head, Ellipsoid((-110.0, 42.0, 0.0), (95.0, 60.0, 62.0)).distance(coarse), radius_mm=12.0)
    depth = -ndimage.gaussian_filter(_signed_distance_mm(head < 0, 2.0), 0.8)
    shape = template.brain.shape
    return _Surfaces(*(enlarge(field.astype(np.float32), shape, factors=(2, 2, 2)) for field in (hull, depth, skull)))


def _scalp_and_skull(rng: np.random.Generator, surfaces: _Surfaces, at: Coordinates) -> tuple[Distance, Distance]:
    """Return fat and muscle outside the brain: skin, fat, galea or muscle, bone with fatty marrow in its middle."""
    shape = surfaces.hull.shape
    ripple = smooth_noise(rng, shape, (1.0, 1.0, 1.0), scale_mm=9.0)
    under = surfaces.depth
    skin = smooth_step(-under, width=1.0) * smooth_step(under - 2.0, width=1.0)
    layer = smooth_step(1.8 - under, width=1.0) * smooth_step(under - 5.5 - 0.6 * ripple, width=1.5)
    bone_depth = (surfaces.hull - 2.0) / np.maximum(surfaces.skull_mm, 2.0)  # 0 at the inner, 1 at the outer table
    bone = smooth_step(bone_depth - 1.0, width=0.2) * smooth_step(-bone_depth, width=0.2)
    diploe = np.clip(1.0 - np.abs(bone_depth - 0.5) / 0.33, 0.0, 1.0)
    vault = np.clip((at.slice_mm + 25.0) / 25.0, 0.35, 1.0)
    beyond = smooth_step(1.05 - bone_depth, width=0.15)
    deep = smooth_step(5.0 - under, width=1.5) * beyond
    fibres = fractal_noise(rng, shape, (1.0, 1.0, 1.0), scale_mm=7.0)
    streaks = np.clip(0.16 * (fibres - 0.9), 0.0, 0.5) * 3.0
    fat = layer * beyond * 0.95 + bone * diploe * (0.48 + 0.12 * ripple) * vault + deep * streaks
    muscle = skin + deep * (1 - streaks) * 0.95 + bone * 0.05
    return np.clip(fat, 0.0, 1.0), np.clip(muscle, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Canvas:
    """Fat and muscle, 0 to 1, into which shapes are filled in place."""

    fat: Distance
    muscle: Distance
    at: Coordinates

    def fill(
        self,
        shape: Shape,
        *,
        fat: float,
        muscle: float | Distance,
        edge_mm: float = 1.2,
        grow_mm: float = 0.0,
        grain: Distance | None = None,
        within: Distance | None = None,
    ) -> None:
        """Replace what lies inside a shape, its surface moved outwards by ``grow_mm`` and by ``-grain``."""
        window, here = near(shape, self.at, margin_mm=edge_mm + max(grow_mm, 0.0) + (4.0 if grain is not None else 0.0))
        distance = shape.distance(here) - grow_mm
        if grain is not None:
            distance = distance + grain[window]
        share = smooth_step(distance, width=edge_mm)
        if within is not None:
            share *= within[window]
        self.fat[window] += share * (fat - self.fat[window])
        self.muscle[window] += share * ((muscle if isinstance(muscle, float) else muscle[window]) - self.muscle[window])


def _add_face(rng: np.random.Generator, canvas: _Canvas, surfaces: _Surfaces) -> None:
    """Carve the skull base, orbits, ear canals and sinuses into what lies below the brain."""
    top = int(_FACE_TOP_MM - ORIGIN_MM[0])
    grain = fractal_noise(rng, (top, *canvas.fat.shape[1:]), (1.0, 1.0, 1.0), scale_mm=10.0)
    at = Coordinates(canvas.at.slice_mm[:top], canvas.at.row_mm, canvas.at.column_mm)
    face = _Canvas(canvas.fat[:top], canvas.muscle[:top], at)
    inside = smooth_step(4.0 - surfaces.depth[:top], width=2.0)
    base = Ellipsoid((-44.0, 8.0, 0.0), (20.0, 34.0, 62.0))
    face.fill(base, fat=0.22, muscle=0.08, edge_mm=3.0, grain=2.0 * grain, within=inside)
    marrow = np.clip(0.25 * grain, 0.0, 0.4)
    face.fat[...] += marrow * smooth_step(base.distance(at), width=3.0) * inside * (face.muscle < 0.3)
    face.fill(Rod((-68.0, 22.0, 0.0), (-42.0, 8.0, 0.0), 7.0), fat=0.6, muscle=0.1, grain=grain, within=inside)
    for side in _SIDES:
        _add_orbit(face, side)
        mastoid = Ellipsoid((-42.0, 34.0, 50.0 * side), (14.0, 15.0, 11.0))
        face.fill(mastoid, fat=0.05, muscle=0.04, edge_mm=3.0, grain=1.5 * grain, within=inside)
        face.fill(Rod((-46.0, 22.0, 44.0 * side), (-47.0, 22.0, 90.0 * side), 3.2), fat=0.0, muscle=0.0)
    _add_sinuses(face, grain)


def _add_sinuses(face: _Canvas, grain: Distance) -> None:
    """Fill the air spaces: cells with septa in the ethmoid, turbinates in the nose, a thin wall around each."""
    septa: Distance = np.clip(1.2 - np.abs(grain) / 0.22, 0.0, 0.8).astype(np.float32)
    nose = Ellipsoid((-62.0, -52.0, 0.0), (20.0, 34.0, 13.0))
    cavities: list[tuple[Ellipsoid, Distance | float]] = [
        (Ellipsoid((-37.0, -50.0, 0.0), (13.0, 24.0, 11.0)), septa),
        (Ellipsoid((-38.0, -17.0, 0.0), (9.0, 10.0, 12.0)), 0.03),
        (nose, septa),
        (Ellipsoid((-64.0, -54.0, 29.0), (15.0, 17.0, 13.0)), 0.03),
        (Ellipsoid((-64.0, -54.0, -29.0), (15.0, 17.0, 13.0)), 0.03),
    ]
    for cavity, lining in cavities:
        face.fill(cavity, fat=0.05, muscle=0.3, grow_mm=1.8, grain=grain)
        face.fill(cavity, fat=0.0, muscle=lining, grain=grain)
    face.fill(Ellipsoid(nose.centre_mm, (20.0, 34.0, 1.2)), fat=0.0, muscle=0.6)


def _add_orbit(face: _Canvas, side: float) -> None:
    """Fill one orbit: fat, four straight muscles, optic nerve, globe with wall and lens."""
    apex = (-33.0, -24.0, 17.0 * side)
    for grow_mm, fat, muscle in ((2.0, 0.0, 0.05), (0.0, 0.9, 0.1)):
        face.fill(Ellipsoid((-37.0, -58.0, 31.0 * side), (16.5, 19.0, 15.5)), fat=fat, muscle=muscle, grow_mm=grow_mm)
        face.fill(Rod((-36.0, -50.0, 28.0 * side), apex, 14.0, 4.0), fat=fat, muscle=muscle, grow_mm=grow_mm)
    for up, across in ((0.0, 9.0), (0.0, -9.0), (9.0, 0.0), (-9.0, 0.0)):
        rectus = Rod((-37.0 + up, -60.0, 32.0 * side + across), apex, 1.9)
        face.fill(rectus, fat=0.1, muscle=0.9)
    face.fill(Rod((-37.0, -54.0, 32.0 * side), apex, 2.0), fat=0.0, muscle=1.0)
    face.fill(Ellipsoid((-37.0, -67.0, 33.0 * side), (12.0, 12.0, 12.0)), fat=0.0, muscle=0.75)
    face.fill(Ellipsoid((-37.0, -67.0, 33.0 * side), (12.0, 12.0, 12.0)), fat=0.0, muscle=0.0, grow_mm=-1.2)
    face.fill(Ellipsoid((-37.0, -76.0, 33.5 * side), (4.5, 2.0, 4.5)), fat=0.0, muscle=0.8)


def _vitreous(shape: tuple[int, ...], at: Coordinates) -> Distance:
    fluid = np.zeros(shape, dtype=np.float32)
    for side in _SIDES:
        globe = Ellipsoid((-37.0, -67.0, 33.0 * side), (12.0, 12.0, 12.0))
        window, here = near(globe, at, margin_mm=1.0)
        fluid[window] = smooth_step(globe.distance(here) + 1.2, width=1.0)
        lens = Ellipsoid((-37.0, -76.0, 33.5 * side), (4.5, 2.0, 4.5))
        window, here = near(lens, at, margin_mm=1.0)
        fluid[window] *= 1 - smooth_step(lens.distance(here), width=1.0)
    return fluid


def _vessels(rng: np.random.Generator, surfaces: _Surfaces, at: Coordinates, template: BrainTemplate) -> Distance:
    """Return the share of large vessels, dural sinuses and (thinly) dura: what takes up contrast at once."""
    hull = surfaces.hull
    edge = smooth_step(np.abs(hull - 0.8) - 1.6, width=1.5)
    vessel = np.zeros(hull.shape, dtype=np.float32)
    middle = at.within((-1e3, -1e3, -6.0), (1e3, 1e3, 6.0))
    upper = (middle[1].slice_mm > -5.0) | (middle[1].row_mm > 70.0)
    vessel[middle[0]] = 0.9 * edge[middle[0]] * smooth_step(np.abs(middle[1].column_mm) - 3.5, width=2.0) * upper
    level = at.within((-22.0, 35.0, -1e3), (-12.0, 1e3, 1e3))
    transverse = 0.9 * edge[level[0]] * smooth_step(np.abs(level[1].slice_mm + 17.0) - 3.0, width=2.0)
    vessel[level[0]] = np.maximum(vessel[level[0]], transverse)
    threads = np.abs(fractal_noise(rng, hull.shape, (1.0, 1.0, 1.0), scale_mm=16.0, octaves=2))
    veins = 0.7 * smooth_step(threads - 0.05, width=0.06) * smooth_step(np.abs(hull + 1.0) - 2.0, width=1.5)
    np.maximum(vessel, veins * (0.25 + 0.75 * template.fluid), out=vessel)
    np.maximum(vessel, 0.3 * smooth_step(np.abs(hull - 1.3) - 0.4, width=1.0), out=vessel)
    for rod in _great_vessels():
        window, here = near(rod, at, margin_mm=1.2)
        vessel[window] = np.maximum(vessel[window], 0.9 * smooth_step(rod.distance(here), width=1.2))
    return vessel


def _great_vessels() -> list[Rod]:
    rods = [
        Rod((4.0, 46.0, 0.0), (-12.0, 92.0, 0.0), 1.6),  # straight sinus
        Rod((-46.0, 12.0, 0.5), (-22.0, 10.0, -0.5), 1.4),  # basilar artery
        Rod((-10.0, -34.0, 1.0), (14.0, -38.0, 0.5), 1.1),  # anterior cerebral arteries
    ]
    for side in _SIDES:
        rods += [
            Rod((-42.0, 0.0, 13.0 * side), (-24.0, -4.0, 11.0 * side), 2.4),  # internal carotid
            Rod((-20.0, -2.0, 9.0 * side), (-14.0, -4.0, 42.0 * side), 1.3),  # middle cerebral
            Rod((6.0, 36.0, 22.0 * side), (16.0, 30.0, 19.0 * side), 2.0),  # choroid plexus
        ]
    return rods

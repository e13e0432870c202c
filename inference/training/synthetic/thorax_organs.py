"""What a chest holds: lungs with vessels, airways and fissures, heart, great vessels, and the upper abdomen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from inference.training.synthetic.noise import Field, smooth_step
from inference.training.synthetic.shapes import Coordinates, Distance, Ellipsoid, Place, Rod, blend
from inference.training.synthetic.thorax_canvas import AIR, BLOOD, FAT, FLUID, LUNG, MUSCLE, Canvas
from inference.training.synthetic.thorax_wall import SIDES, SPINE_ROW_MM, cavity_distance
from inference.training.synthetic.vessel_tree import grow_tree

HEART = Ellipsoid((-52.0, -26.0, 26.0), (47.0, 45.0, 58.0))
_TRACHEA = Rod((300.0, 8.0, 0.0), (32.0, 16.0, -2.0), 9.0)
_BRONCHI = (
    Rod((34.0, 16.0, -2.0), (12.0, 14.0, -34.0), 7.0, 6.0),
    Rod((12.0, 14.0, -34.0), (-22.0, 20.0, -48.0), 5.0, 3.8),
    Rod((14.0, 13.0, -32.0), (34.0, 6.0, -58.0), 4.6, 3.0),
    Rod((34.0, 16.0, -1.0), (8.0, 20.0, 40.0), 6.4, 5.4),
    Rod((8.0, 20.0, 40.0), (-20.0, 30.0, 56.0), 4.8, 3.6),
    Rod((10.0, 18.0, 40.0), (32.0, 2.0, 60.0), 4.2, 2.8),
)
_ARTERIES = (
    Rod((-18.0, -24.0, -4.0), (44.0, -26.0, -16.0), 17.0, 15.5),  # ascending aorta
    Rod((44.0, -26.0, -16.0), (60.0, -4.0, -2.0), 15.0, 14.0),  # arch
    Rod((60.0, -4.0, -2.0), (52.0, 34.0, 18.0), 14.0, 12.5),
    Rod((52.0, 34.0, 18.0), (-260.0, 44.0, 14.0), 12.5, 10.5),  # descending
    Rod((-22.0, -46.0, 22.0), (16.0, -30.0, 18.0), 15.0, 14.0),  # pulmonary trunk
    Rod((16.0, -28.0, 16.0), (12.0, -8.0, -46.0), 11.0, 9.0),
    Rod((18.0, -28.0, 18.0), (20.0, 12.0, 46.0), 12.0, 9.0),
    Rod((62.0, -14.0, -10.0), (150.0, -8.0, -26.0), 6.5, 5.0),  # brachiocephalic, carotid, subclavian
    Rod((64.0, -4.0, 0.0), (150.0, 0.0, 18.0), 4.2, 4.0),
    Rod((62.0, 12.0, 10.0), (140.0, 20.0, 40.0), 5.0, 4.5),
)
_VEINS = (
    Rod((-20.0, -16.0, -32.0), (74.0, -30.0, -27.0), 10.0, 9.0),  # superior vena cava
    Rod((74.0, -30.0, -27.0), (140.0, -26.0, -40.0), 8.0, 7.0),
    Rod((76.0, -34.0, -24.0), (96.0, -36.0, 40.0), 7.0, 6.5),  # left brachiocephalic
    Rod((-120.0, 0.0, -28.0), (-62.0, -6.0, -26.0), 13.0, 13.0),  # inferior vena cava
    Rod((-24.0, 14.0, 20.0), (-28.0, 12.0, 58.0), 7.0, 5.0),  # pulmonary veins
    Rod((-24.0, 14.0, -10.0), (-26.0, 12.0, -52.0), 7.0, 5.0),
)
_OESOPHAGUS = Rod((260.0, 28.0, 4.0), (-130.0, 36.0, 8.0), 6.5)


def diaphragm_mm(at: Coordinates) -> Distance:
    """Return the height of the lungs' floor over (row, column), shape (1, rows, columns)."""
    row, column = at.row_mm, at.column_mm
    right = -64.0 - 0.0085 * (column + 66.0) ** 2 - 0.0075 * (row + 4.0) ** 2
    left = -76.0 - 0.0085 * (column - 68.0) ** 2 - 0.0075 * (row - 2.0) ** 2
    floor: Distance = np.where(column < 0, right, left).astype(np.float32)
    return floor


def mediastinum_distance(at: Coordinates) -> Distance:
    """Return about the signed distance from the middle of the chest: what separates the lungs."""
    middle = Ellipsoid((-50.0, -24.0, 22.0), (54.0, 53.0, 64.0)).distance(at)
    upper = np.hypot(at.column_mm / 0.62, (at.row_mm + 4.0) / 1.35) - 50.0
    spine = np.hypot(at.column_mm, at.row_mm - SPINE_ROW_MM - 4.0) - 21.0
    middle = blend(middle, upper, radius_mm=14.0)
    for rod in (*_ARTERIES[:4], _ARTERIES[5], _ARTERIES[6], _VEINS[0]):
        middle = blend(middle, rod.distance(at) - 3.0, radius_mm=6.0)
    return blend(middle, spine, radius_mm=8.0)


def lung_share(canvas: Canvas, rng: np.random.Generator) -> Field:
    """Return the share of lung in each voxel."""
    bumps = canvas.noise(rng, scale_mm=28.0)
    outer = canvas.smooth(cavity_distance) + 1.2 * bumps
    middle = canvas.smooth(mediastinum_distance) + 2.0 * canvas.noise(rng, scale_mm=22.0)
    above: Field = canvas.at.slice_mm - diaphragm_mm(canvas.at) + 3.0 * bumps
    share = canvas.inside(outer, width=1.6) * canvas.inside(-middle, width=1.8)
    return share * canvas.inside(-above, width=3.4)  # the floor is steep at its rim


def paint_middle(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint heart and great vessels, fat around them, gullet and windpipe."""
    inside = smooth_step(canvas.smooth(cavity_distance) + 1.0, width=2.0)
    grain = 1.2 * canvas.noise(rng, scale_mm=14.0)
    canvas.paint(inside, FAT + 8.0 * canvas.noise(rng, scale_mm=9.0))
    _paint_abdomen(canvas, rng, inside)
    canvas.paint_shape(HEART, FAT, grow_mm=4.5, grain=grain, within=inside)
    canvas.paint_shape(HEART, 40.0, grow_mm=2.2, grain=grain, within=inside)
    canvas.paint_shape(HEART, FAT, grow_mm=1.0, grain=grain, within=inside)
    canvas.paint_shape(HEART, 108.0, grow_mm=-3.0, grain=2.0 * grain, within=inside)
    for chamber in (
        Ellipsoid((-58.0, -18.0, 46.0), (28.0, 20.0, 27.0)),
        Ellipsoid((-56.0, -46.0, 14.0), (28.0, 15.0, 30.0)),
        Ellipsoid((-46.0, -20.0, -18.0), (26.0, 21.0, 15.0)),
        Ellipsoid((-30.0, 4.0, 14.0), (18.0, 12.0, 26.0)),
    ):
        canvas.paint_shape(chamber, BLOOD, edge_mm=3.0, grain=2.0 * grain)
    for rod in (*_VEINS, *_ARTERIES):
        canvas.paint_shape(rod, MUSCLE, grow_mm=1.0)
        canvas.paint_shape(rod, BLOOD)
    _paint_tubes(canvas)
    for node in _nodes():
        canvas.paint_shape(node, 60.0, grain=0.6 * grain)


def _paint_tubes(canvas: Canvas) -> None:
    canvas.paint_shape(_OESOPHAGUS, MUSCLE)
    canvas.paint_shape(Rod((40.0, 33.0, 6.0), (-20.0, 35.0, 7.0), 1.6), AIR, edge_mm=2.0)
    for tube in (_TRACHEA, *_BRONCHI):
        canvas.paint_shape(tube, MUSCLE, grow_mm=1.6)
    for tube in (_TRACHEA, *_BRONCHI):
        canvas.paint_shape(tube, AIR + 5.0)
    for side in SIDES:  # thyroid
        canvas.paint_shape(Ellipsoid((150.0, -4.0, 16.0 * side), (24.0, 10.0, 9.0)), 130.0)


def _nodes() -> list[Ellipsoid]:
    return [
        Ellipsoid((36.0, -6.0, -20.0), (5.0, 3.5, 4.5)),
        Ellipsoid((22.0, 20.0, 8.0), (4.0, 3.5, 6.0)),
        Ellipsoid((44.0, -12.0, 24.0), (4.5, 3.0, 4.0)),
    ]


def _paint_abdomen(canvas: Canvas, rng: np.random.Generator, inside: Field) -> None:
    """Paint what lies under the diaphragm."""
    below = smooth_step((canvas.at.slice_mm - diaphragm_mm(canvas.at)) / np.float32(1.9), width=2.0) * inside
    canvas.paint(below, MUSCLE)  # the diaphragm itself, most of it covered next
    inner = smooth_step((canvas.at.slice_mm + 4.0 - diaphragm_mm(canvas.at)) / np.float32(1.9), width=2.0) * inside
    canvas.paint(inner, FAT)
    grain = 3.0 * canvas.noise(rng, scale_mm=30.0)
    stomach = Ellipsoid((-112.0, -28.0, 62.0), (44.0, 44.0, 46.0))
    canvas.paint_shape(Ellipsoid((-118.0, 36.0, 84.0), (40.0, 38.0, 26.0)), 128.0, grain=grain, within=inner)  # spleen
    canvas.paint_shape(stomach, 70.0, grain=grain, within=inner)
    canvas.paint_shape(stomach, FLUID + 22.0, grow_mm=-4.0, grain=grain, within=inner)
    canvas.paint_shape(Ellipsoid((-92.0, -48.0, 60.0), (26.0, 18.0, 34.0)), AIR + 8.0, grain=0.5 * grain, within=inner)
    liver = Ellipsoid((-128.0, -12.0, -58.0), (72.0, 86.0, 92.0))
    canvas.paint_shape(liver, 112.0, grain=grain, within=inner)
    places = rng.uniform((-190.0, -70.0, -120.0), (-75.0, 55.0, 20.0), (160, 3))
    for rod in grow_tree((-140.0, 0.0, -30.0), places, twig_radius_mm=0.7).rods(rng, least_radius_mm=0.9):
        canvas.paint_shape(rod, 150.0, edge_mm=2.0, within=inner)


def paint_lungs(canvas: Canvas, rng: np.random.Generator, share: Field) -> None:
    """Paint parenchyma (denser where it hangs), fissures, vessels and the airways beside them."""
    tissue = LUNG + 0.32 * canvas.at.row_mm + 16.0 * canvas.noise(rng, scale_mm=26.0)
    tissue = tissue + 13.0 * canvas.noise(rng, scale_mm=4.5)
    canvas.paint(share, tissue)
    fissure = _fissures(canvas, rng)
    canvas.paint(share * fissure, -690.0)
    for side in SIDES:
        _paint_tree(canvas, rng, share, side)


def _fissures(canvas: Canvas, rng: np.random.Generator) -> Field:
    at, wave = canvas.at, 4.0 * canvas.noise(rng, scale_mm=60.0)
    oblique = 0.78 * (at.slice_mm - 6.0) - 0.62 * (at.row_mm - 14.0) + wave + 0.0 * at.column_mm
    sheet = smooth_step(np.abs(oblique) - 0.5, width=1.3)
    minor = at.slice_mm + 6.0 + wave + 0.0006 * (at.column_mm + 80.0) ** 2 + 0.0 * at.row_mm
    right = (at.column_mm < -20.0) & (at.row_mm < 20.0) & (oblique > 0)
    fissures: Field = np.maximum(sheet, 0.6 * smooth_step(np.abs(minor) - 0.5, width=1.3) * right)
    return fissures


def _targets(
    canvas: Canvas, rng: np.random.Generator, share: Field, side: float, count: int
) -> npt.NDArray[np.float64]:
    """Draw places inside one lung, the same for the same generator whatever the grid."""
    half = (
        canvas.at.within((-1e3, -1e3, 0.0), (1e3, 1e3, 1e3))
        if side > 0
        else canvas.at.within((-1e3,) * 3, (1e3, 1e3, 0.0))
    )
    inside = np.argwhere(share[half[0]][::2, ::4, ::4] > 0.95)
    chosen = inside[rng.integers(len(inside), size=count)] * np.asarray((2, 4, 4))
    axes = [axis.ravel() for axis in half[1]]
    places = np.stack([axes[n][chosen[:, n]] for n in range(3)], axis=1).astype(np.float64)
    return places + rng.uniform(-2.0, 2.0, places.shape)


def _paint_tree(canvas: Canvas, rng: np.random.Generator, share: Field, side: float) -> None:
    root: Place = (10.0, 8.0, 46.0 * side)
    arteries = grow_tree(root, _targets(canvas, rng, share, side, 900))
    veins = grow_tree((-24.0, 12.0, 48.0 * side), _targets(canvas, rng, share, side, 640))
    for tube in _beside(arteries.rods(rng, least_radius_mm=1.15)):
        canvas.paint_shape(tube, -250.0, grow_mm=0.9, within=share)
        canvas.paint_shape(tube, AIR + 20.0, within=share)
    for rod in (*arteries.rods(rng), *veins.rods(rng)):
        canvas.paint_shape(rod, 60.0, edge_mm=1.1, within=share)


def _beside(rods: list[Rod]) -> Iterator[Rod]:
    """Yield an airway beside each artery."""
    for rod in rods:
        shift = 2.1 * rod.radius_mm
        start: Place = (rod.start_mm[0] + 0.4 * shift, rod.start_mm[1] + 0.6 * shift, rod.start_mm[2] + 0.5 * shift)
        end: Place = (rod.end_mm[0] + 0.4 * shift, rod.end_mm[1] + 0.6 * shift, rod.end_mm[2] + 0.5 * shift)
        yield Rod(start, end, 0.85 * rod.radius_mm, 0.85 * (rod.end_radius_mm or rod.radius_mm))

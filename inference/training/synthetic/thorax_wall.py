"""The wall of a chest: outline, skin, fat, muscles, ribs, spine, sternum, shoulder girdle."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from inference.training.synthetic.noise import Field, smooth_step
from inference.training.synthetic.shapes import Coordinates, Distance, Ellipsoid, Place, Rod, blend, near
from inference.training.synthetic.thorax_canvas import CORTEX, FAT, MARROW, MUSCLE, Canvas

SIDES = (-1.0, 1.0)
SPINE_ROW_MM = 60.0
_FAR = np.float32(99.0)


def cavity_radii_mm(level: Distance) -> tuple[Distance, Distance]:
    """Return half width and half depth of the chest's inside at heights in mm (0 about the carina's level - 20)."""
    dome = np.sqrt(np.clip(1.0 - (np.maximum(level + 30.0, 0.0) / 168.0) ** 2, 0.0, 1.0))
    width = np.asarray(129.0 * dome + 0.03 * np.minimum(level + 30.0, 0.0), dtype=np.float32)
    depth = np.asarray(86.0 * dome**0.75 + 0.03 * np.minimum(level + 30.0, 0.0), dtype=np.float32)
    return np.maximum(width, 1.0), np.maximum(depth, 1.0)


def cavity_distance(at: Coordinates) -> Distance:
    """Return about the signed distance from the chest's inner surface."""
    width, depth = cavity_radii_mm(at.slice_mm)
    return _superellipse(at.column_mm, at.row_mm - 4.0, width, depth, 2.25)


def _superellipse(x: Distance, y: Distance, width: Distance, depth: Distance, power: float) -> Distance:
    norm = (np.abs(x) / width) ** power + (np.abs(y) / depth) ** power
    return np.asarray((norm ** np.float32(1.0 / power) - 1.0) * np.minimum(width, depth), dtype=np.float32)


def body_distance(canvas: Canvas, rng: np.random.Generator) -> Distance:
    """Return about the signed distance from the skin: torso, shoulders and neck."""
    rough: Distance = canvas.smooth(_body) + 2.5 * canvas.noise(rng, scale_mm=70.0)
    return rough


def _body(at: Coordinates) -> Distance:
    level = at.slice_mm
    width = np.asarray(166.0 - 0.05 * np.maximum(level, 0.0) - 0.0016 * np.maximum(level - 60.0, 0.0) ** 2, np.float32)
    depth = np.asarray(116.0 - 0.0017 * np.maximum(level - 50.0, 0.0) ** 2, np.float32)
    torso = _superellipse(at.column_mm, at.row_mm - 4.0, np.maximum(width, 20.0), np.maximum(depth, 20.0), 2.5)
    body = blend(torso, Rod((90.0, 26.0, 0.0), (260.0, 10.0, 0.0), 62.0, 56.0).distance(at), radius_mm=25.0)
    for side in SIDES:
        shoulder = Ellipsoid((112.0, 22.0, 132.0 * side), (46.0, 50.0, 66.0))
        body = blend(body, shoulder.distance(at), radius_mm=25.0)
    return body


def paint_soft_wall(canvas: Canvas, rng: np.random.Generator, body: Distance, cavity: Distance) -> None:
    """Paint skin, subcutaneous fat of varying thickness, muscle with fat between its bellies."""
    at = canvas.at
    canvas.paint(canvas.inside(body, width=1.5), 35.0)
    flank = np.clip(np.abs(at.column_mm) / 150.0, 0.0, 1.0) ** 2
    fat_mm = 13.0 + 7.0 * flank + 3.0 * canvas.noise(rng, scale_mm=80.0) - 0.03 * at.slice_mm
    fat_mm = np.clip(fat_mm, 5.0, None)
    canvas.paint(canvas.inside(body + 2.0, width=1.5), FAT + 6.0 * canvas.noise(rng, scale_mm=8.0))
    muscle = canvas.inside(body + fat_mm, width=3.0)
    bellies: Field = np.abs(canvas.noise(rng, scale_mm=26.0) + 0.35 * canvas.noise(rng, scale_mm=11.0))
    seams = smooth_step(bellies - 0.09, width=0.12) * smooth_step(6.0 - cavity, width=4.0)
    canvas.paint(muscle, MUSCLE + 5.0 * canvas.noise(rng, scale_mm=6.0))
    canvas.paint(0.85 * seams * muscle, FAT)
    thick_mm = np.clip(1.2 + 0.05 * (at.slice_mm - 20.0), 1.2, 5.0)
    waves = canvas.noise(rng, scale_mm=30.0)
    layer = smooth_step(np.abs(cavity - 16.0 - 5.0 * waves) - thick_mm, width=2.0)  # fat under the outer muscles
    lobules = smooth_step(0.75 - np.abs(waves), width=0.35) * np.clip((at.slice_mm - 55.0) / 25.0, 0.0, 1.0)
    canvas.paint(0.8 * np.maximum(layer, lobules * smooth_step(14.0 - cavity, width=8.0)) * muscle, FAT)
    for side in SIDES:
        canvas.paint_shape(
            Ellipsoid((74.0, 4.0, 128.0 * side), (44.0, 26.0, 15.0)), FAT, grain=3.0 * bellies, edge_mm=4.0
        )


def paint_skeleton(canvas: Canvas, rng: np.random.Generator, body: Distance) -> None:
    """Paint bones: a cortical shell around marrow, found from one field of distances to all bones."""
    bones = np.full(canvas.at.shape, _FAR, dtype=np.float32)
    cartilage = np.full(canvas.at.shape, _FAR, dtype=np.float32)
    for number in range(11):
        for side in SIDES:
            _add_rib(bones, cartilage, canvas.at, number, side)
    for shape in _girdle():
        _join(bones, shape, canvas.at)
    canvas.paint(canvas.inside(cartilage, width=1.6), 105.0)
    marrow = MARROW + 45.0 * canvas.noise(rng, scale_mm=4.0)
    np.maximum(bones, body + 5.0, out=bones)  # nothing comes through the skin
    _paint_bones(canvas, bones, marrow)
    _paint_spine(canvas, marrow, body)


def _paint_bones(
    canvas: Canvas, distance: Distance, marrow: Field, *, cortex: float = CORTEX, cortex_mm: float = 2.1
) -> None:
    canvas.paint(canvas.inside(distance, width=1.4), cortex)
    canvas.paint(canvas.inside(distance + cortex_mm, width=1.6), marrow)


def _join(field: Distance, shape: Rod | Ellipsoid, at: Coordinates) -> None:
    window, here = near(shape, at, margin_mm=3.0)
    if 0 not in here.shape:
        np.minimum(field[window], shape.distance(here), out=field[window])


def rib_path(number: int, side: float) -> list[Place]:
    """Return the middle line of a rib from the spine to where its cartilage ends, mm."""
    head_mm = 112.0 - 23.5 * number
    path: list[Place] = []
    for turn in np.linspace(0.1, 0.93 if number < 7 else 0.93 - 0.09 * (number - 6), 22):
        angle = np.pi * turn
        drop = (42.0 + 5.0 * min(number, 6)) * (1 - np.cos(angle)) / 2.0 + 6.0 * np.sin(angle)
        rise = 24.0 * max(turn - 0.7, 0.0) / 0.3 if number < 8 else 0.0  # cartilage climbs to the sternum
        level = head_mm - drop + rise
        width, depth = cavity_radii_mm(np.asarray([level], dtype=np.float32))
        out = 6.0
        shape = (abs(np.sin(angle)) ** 2.25 + abs(np.cos(angle)) ** 2.25) ** (-1 / 2.25)
        x = (float(width[0]) + out) * np.sin(angle) * shape
        y = 4.0 + (float(depth[0]) + out) * np.cos(angle) * shape
        path.append((float(level), float(y), float(max(x, 16.0) * side)))
    return path


def _add_rib(bones: Distance, cartilage: Distance, at: Coordinates, number: int, side: float) -> None:
    path = rib_path(number, side)
    for index, (start, end) in enumerate(pairwise(path)):
        share = index / len(path)
        target = cartilage if share > 0.76 and number < 9 else bones
        for up in (-2.6, 0.0, 2.6):  # taller than thick
            rod = Rod((start[0] + up, *start[1:]), (end[0] + up, *end[1:]), 4.2 if share < 0.1 else 3.6)
            _join(target, rod, at)


def _girdle() -> list[Rod | Ellipsoid]:
    """Return sternum, clavicles, scapulae and the heads of the arms."""
    shapes: list[Rod | Ellipsoid] = [
        Ellipsoid((72.0, -80.0, 0.0), (26.0, 6.5, 24.0)),
        Ellipsoid((2.0, -93.0, 0.0), (58.0, 5.5, 16.0)),
    ]
    for side in SIDES:
        shapes += [
            Rod((98.0, -70.0, 22.0 * side), (112.0, -48.0, 80.0 * side), 7.0, 5.5),
            Rod((112.0, -48.0, 80.0 * side), (122.0, 0.0, 138.0 * side), 5.5, 6.5),
            Rod((112.0, 40.0, 140.0 * side), (108.0, 88.0, 78.0 * side), 4.5, 3.0),  # spine of the scapula
            Ellipsoid((112.0, 14.0, 152.0 * side), (23.0, 23.0, 22.0)),
            Rod((112.0, 30.0, 128.0 * side), (104.0, 34.0, 122.0 * side), 12.0, 9.0),  # glenoid
        ]
        for share in np.linspace(0.0, 1.0, 24):  # blade, drawn as neighbouring rods
            top: Place = (108.0 - 6.0 * share, 46.0 + 48.0 * share, (124.0 - 46.0 * share) * side)
            shapes.append(Rod(top, (16.0 + 4.0 * share, 84.0 + 12.0 * share, (104.0 - 18.0 * share) * side), 2.6))
        shapes.append(Rod((108.0, 44.0, 126.0 * side), (14.0, 84.0, 106.0 * side), 4.0, 3.5))
    return shapes


def _paint_spine(canvas: Canvas, marrow: Field, body_surface: Distance) -> None:
    """Paint vertebrae every 24 mm with discs between, arches, processes and the canal."""
    bones = np.full(canvas.at.shape, _FAR, dtype=np.float32)
    column = Rod((-400.0, SPINE_ROW_MM, 0.0), (300.0, SPINE_ROW_MM, 0.0), 17.0)
    canvas.paint_shape(column, 85.0, grow_mm=-1.0)
    for level in np.arange(-204.0, 230.0, 24.0):
        middle = float(level)
        window, here = canvas.at.within((middle - 11.0, 30.0, -60.0), (middle + 11.0, 130.0, 60.0))
        if 0 in here.shape:
            continue
        waist = 1.6 * np.cos((here.slice_mm - middle) / 9.5 * np.pi / 2.0)
        body = np.hypot(here.column_mm / 1.15, here.row_mm - SPINE_ROW_MM) - 15.5 + waist
        end = np.abs(here.slice_mm - middle) - 9.8
        bones[window] = np.minimum(bones[window], np.maximum(body, end))
        for shape in _arch(middle):
            _join(bones, shape, canvas.at)
    canal = Rod((-400.0, 84.0, 0.0), (300.0, 84.0, 0.0), 8.0)
    window, here = near(canal, canvas.at, margin_mm=4.0)
    np.maximum(bones[window], -canal.distance(here), out=bones[window])
    np.maximum(bones, body_surface + 5.0, out=bones)
    _paint_bones(canvas, bones, marrow, cortex=430.0, cortex_mm=1.3)
    canvas.paint_shape(canal, FAT, grow_mm=-1.0)
    canvas.paint_shape(canal, FLUID_IN_CANAL, grow_mm=-2.2)
    canvas.paint_shape(Rod((-400.0, 84.0, 0.0), (300.0, 84.0, 0.0), 4.0), 40.0)


FLUID_IN_CANAL = 15.0


def _arch(level: float) -> list[Rod]:
    shapes = [Rod((level, 94.0, 0.0), (level - 16.0, 114.0, 0.0), 4.0, 3.2)]
    for side in SIDES:
        shapes += [
            Rod((level + 2.0, 72.0, 12.0 * side), (level, 86.0, 13.0 * side), 4.5),
            Rod((level, 86.0, 13.0 * side), (level - 2.0, 95.0, 2.0 * side), 3.8),
            Rod((level, 84.0, 14.0 * side), (level, 94.0, 36.0 * side), 4.8, 4.0),
        ]
    return shapes

"""Lungs on CT: air inside the body, told from windpipe and gut, parted into right and left, its vessels closed.

References
----------
Hu S, Hoffman EA, Reinhardt JM. Automatic lung segmentation for accurate quantitation of volumetric X-ray CT images.
IEEE Trans Med Imaging 2001;20:490-498. doi:10.1109/42.929615
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Field = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Spacing = tuple[float, float, float]

AIR_BELOW_HU = -400.0
_GAS_BELOW_HU = -965.0
"""Median, away from the rim, of gut gas and of air in a tube; lung, even with emphysema, has walls in it."""
_RIM_MM = 6.0
"""What lies closer to the border of air holds tissue in part and says little of what it is."""
_WHOLE_ML, _CUT_ML = 150.0, 3.0
"""Least volume of a lung that ends within the image, and of one that the image's upper end cuts off."""
_LEAST_SHARE = 0.06
"""Of the largest part: a smaller one is no lung."""
_WINDPIPE_MM2 = (40.0, 900.0)
_PARTING_MM = (2.0, 4.0, 6.0, 8.0, 10.0)
_CLOSING_MM = 9.0
_TOUCHING = np.ones((3, 3, 3), np.uint8)


def find_lungs(
    hu: Field, spacing_mm: Spacing, towards_left: tuple[float, float, float], *, is_head_last: bool = True
) -> npt.NDArray[np.uint8]:
    """Label the right (1) and the left (2) lung with their vessels, and what is solid in them.

    Where nothing in the image can be a lung, nothing is labelled: lung that is not cut off by the image's upper end is
    there as a whole and large.

    Parameters
    ----------
    hu
        CT with axes (slice, row, column), slices across the body.
    spacing_mm
        Of the grid; about 2 mm is fine enough, finer costs time.
    towards_left
        How far one step along each axis leads to the patient's left, in mm.
    is_head_last
        Whether the last slice is the one nearest to the head.
    """
    labels = np.zeros(hu.shape, np.uint8)
    body = find_trunk(hu)
    air = body & (hu < AIR_BELOW_HU)
    if not air.any():
        return labels
    air &= ~_find_windpipe(air, spacing_mm)
    lungs = _choose_lungs(hu, air, spacing_mm, hu.shape[0] - 1 if is_head_last else 0)
    if not lungs.any():
        return labels
    sides = _part_sides(lungs, body, spacing_mm, towards_left)
    for side in (1, 2):
        closed = _close(sides == side, spacing_mm)
        labels[closed & (labels == 0) & body] = side
    labels[sides > 0] = sides[sides > 0]
    return labels


def find_trunk(hu: Field) -> Mask:
    """Return the body with the air inside it, without the table."""
    tissue = ndimage.binary_opening(hu > AIR_BELOW_HU, np.ones((1, 3, 3), np.uint8))
    parts, count = ndimage.label(tissue)
    if count == 0:
        return np.zeros(hu.shape, bool)
    largest = parts == 1 + int(np.bincount(parts.ravel())[1:].argmax())
    return np.stack([ndimage.binary_fill_holes(plane) for plane in largest])


def _find_windpipe(air: Mask, spacing_mm: Spacing) -> Mask:
    """Follow the small round hole of the uppermost slices, from either end, until it opens into the lungs."""
    best = np.zeros(air.shape, bool)
    for order in (range(len(air)), range(len(air) - 1, -1, -1)):
        found = _follow_tube(air, list(order), spacing_mm[1] * spacing_mm[2], spacing_mm)
        if found.sum() > best.sum():
            best = found
    return ndimage.binary_dilation(best, np.ones((1, 3, 3), np.uint8)) if best.any() else best


def _follow_tube(air: Mask, order: list[int], pixel_mm2: float, spacing_mm: Spacing) -> Mask:
    found = np.zeros(air.shape, bool)
    tube = np.zeros(air.shape[1:], bool)
    last_mm2 = 0.0
    for number in order:
        parts, count = ndimage.label(air[number])
        areas = np.bincount(parts.ravel(), minlength=count + 1) * pixel_mm2
        if last_mm2 == 0.0:
            tube = _find_round(parts, areas, spacing_mm)
        else:
            touched = np.unique(parts[tube])
            touched = touched[touched > 0]
            area = float(areas[touched].sum())
            if area == 0.0 or area > max(2.2 * last_mm2, 350.0):
                break
            tube = np.isin(parts, touched)
        if tube.any():
            last_mm2 = float(tube.sum()) * pixel_mm2
            found[number] = tube
    long_enough = found.any(axis=(1, 2)).sum() * spacing_mm[0] >= 20.0
    return found if long_enough else np.zeros(air.shape, bool)


def _find_round(parts: npt.NDArray[np.integer[Any]], areas: npt.NDArray[np.floating[Any]], spacing_mm: Spacing) -> Mask:
    """Return the part of a windpipe's size that lies nearest the middle and fills its own box as a disc does."""
    best, best_offset = 0, 0.12
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        height, width = (s.stop - s.start for s in box)
        filling = float((parts[box] == number).sum()) / (height * width)
        slender = max(height * spacing_mm[1], width * spacing_mm[2]) / min(
            height * spacing_mm[1], width * spacing_mm[2]
        )
        if not _WINDPIPE_MM2[0] <= areas[number] <= _WINDPIPE_MM2[1] or filling < 0.6 or slender > 1.8:
            continue
        offset = abs((box[1].start + box[1].stop) / 2 / parts.shape[1] - 0.5)
        if offset < best_offset:
            best, best_offset = number, offset
    return np.asarray(parts == best) if best else np.zeros(parts.shape, bool)


def _choose_lungs(hu: Field, air: Mask, spacing_mm: Spacing, uppermost: int) -> Mask:
    parts, count = ndimage.label(air)
    if count == 0:
        return np.zeros(air.shape, bool)
    volumes = np.bincount(parts.ravel(), minlength=count + 1) * (float(np.prod(spacing_mm)) / 1000.0)
    is_cut = np.zeros(count + 1, bool)
    is_cut[np.unique(parts[uppermost])] = True
    is_large = volumes >= np.where(is_cut, _CUT_ML, _WHOLE_ML)
    is_large[0] = False
    lungs = [number for number in np.flatnonzero(is_large) if not _is_gas(hu, parts == number, spacing_mm)]
    if not lungs:
        return np.zeros(air.shape, bool)
    largest = volumes[lungs].max()
    return np.isin(parts, [number for number in lungs if volumes[number] >= _LEAST_SHARE * largest])


def _is_gas(hu: Field, part: Mask, spacing_mm: Spacing) -> bool:
    """Tell air with nothing in it from lung, by what lies away from the rim."""
    box = ndimage.find_objects(part.astype(np.uint8))[0]
    inside = np.pad(part[box], 1)
    depth = ndimage.distance_transform_edt(inside, sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    core = depth > min(_RIM_MM, 0.7 * float(depth.max()))
    return bool(np.median(hu[box][core]) < _GAS_BELOW_HU)


def _part_sides(
    lungs: Mask, body: Mask, spacing_mm: Spacing, towards_left: tuple[float, float, float]
) -> npt.NDArray[np.uint8]:
    """Name parts by the side of the body's middle they lie on; part lungs that touch where they are thinnest."""
    leftness: Field = np.zeros((1, 1, 1), np.float32) + sum(
        step * np.arange(n, dtype=np.float32).reshape([-1 if axis == at else 1 for at in range(3)])
        for axis, (step, n) in enumerate(zip(towards_left, lungs.shape, strict=True))
    )
    middle = float(np.broadcast_to(leftness, body.shape)[body].mean())
    seeds = _separate(lungs, spacing_mm)
    sides = np.zeros(lungs.shape, np.uint8)
    count = int(seeds.max())
    means = ndimage.mean(np.broadcast_to(leftness, lungs.shape), seeds, np.arange(1, count + 1))
    for number, mean in enumerate(np.atleast_1d(means), start=1):
        sides[seeds == number] = 2 if mean > middle else 1
    if np.unique(sides[sides > 0]).size == 1 and count == 1 and _straddles(lungs, leftness, middle):
        return np.where(lungs, np.where(leftness > middle, 2, 1), 0).astype(np.uint8)
    nearest = ndimage.distance_transform_edt(sides == 0, sampling=spacing_mm, return_distances=False,
                                             return_indices=True)  # fmt: skip
    return np.where(lungs, sides[tuple(nearest)], 0).astype(np.uint8)


def _straddles(lungs: Mask, leftness: Field, middle: float) -> bool:
    share = float((np.broadcast_to(leftness, lungs.shape)[lungs] > middle).mean())
    return 0.2 < share < 0.8


def _separate(lungs: Mask, spacing_mm: Spacing) -> npt.NDArray[np.int32]:
    """Return numbered cores: the parts themselves, or what is left of them deep enough for two large ones to part."""
    padded = np.pad(lungs, ((1, 1), (0, 0), (0, 0)), mode="edge")
    depth = ndimage.distance_transform_edt(padded, sampling=spacing_mm)[1:-1]
    total = int(lungs.sum())
    for reach in (0.0, *_PARTING_MM):
        parts, count = ndimage.label(depth > reach)
        sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
        if (sizes > 0.12 * total).sum() >= 2:
            return np.asarray(parts, np.int32)
    parts, _ = ndimage.label(lungs)
    return np.asarray(parts, np.int32)


def _close(lung: Mask, spacing_mm: Spacing) -> Mask:
    """Close vessels and what lies at the rim: grow by some millimetres and shrink by as many, then fill holes."""
    if not lung.any():
        return lung
    margin = [int(np.ceil(_CLOSING_MM / s)) + 1 for s in spacing_mm]
    padded = np.pad(lung, [(m, m) for m in margin], mode="constant")
    padded[: margin[0]], padded[-margin[0] :] = padded[margin[0]], padded[-margin[0] - 1]
    grown = ndimage.distance_transform_edt(~padded, sampling=spacing_mm) <= _CLOSING_MM
    closed = ndimage.distance_transform_edt(grown, sampling=spacing_mm) > _CLOSING_MM
    inner = closed[tuple(slice(m, -m) for m in margin)] | lung
    return np.stack([ndimage.binary_fill_holes(plane) for plane in inner])

"""What a person would try first for a task, without learning and without knowing the answer. Knows no torch.

References
----------
Otsu N, IEEE Trans SMC 1979;9:62-66. Frangi's filter: `inference.classical.retinal_vessels`. Fischler MA, Bolles RC,
Commun ACM 1981;24:381-395 (RANSAC). 41 % of the maximum: Boellaard R et al., Eur J Nucl Med Mol Imaging
2015;42:328-354 (EANM).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.draw import ellipse
from skimage.feature import canny
from skimage.filters import threshold_otsu
from skimage.measure import EllipseModel, regionprops
from skimage.measure import label as label_parts
from skimage.segmentation import clear_border
from skimage.transform import resize

from inference.classical.brain_lesions import find_brain
from inference.classical.catalogue import UPTAKE
from inference.classical.retinal_vessels import find_retinal_vessels
from inference.classical.uptake import find_uptake
from inference.evaluation.cases import OutlinedCase

Mask = npt.NDArray[np.bool_]
Plane = npt.NDArray[np.float64]
_TOUCHING = np.ones((3, 3, 3), np.uint8)

_MIDDLE = 0.5
"""Share of each side of the image that is looked at for the left ventricle."""
_SMALLEST, _LARGEST = 0.002, 0.06
"""Of the image's area: what a ventricle's cavity may take up."""
_FIXED_SUV = 2.5
_BRIGHTEST_PERCENT = 2.0
_HEAD_SIDE = 160
_ELLIPSE_SEED = 20261123
_ELLIPSE_TRIALS = 400
_ELLIPSE_REACH = 2.0


def mark_round_in_the_middle(case: OutlinedCase, truth: Mask, number: int) -> Mask:
    """Mark, slice by slice, the roundest bright part in the middle of the image, above Otsu's threshold there."""
    return np.stack([_mark_round(np.asarray(plane, np.float64)) for plane in case.image.voxels])


def _mark_round(plane: Plane) -> Mask:
    found = np.zeros(plane.shape, bool)
    rows, columns = plane.shape
    part = (slice(round(rows * _MIDDLE / 2), round(rows * (1 - _MIDDLE / 2))),
            slice(round(columns * _MIDDLE / 2), round(columns * (1 - _MIDDLE / 2))))  # fmt: skip
    middle = plane[part]
    if middle.min() == middle.max():
        return found
    bright = ndimage.binary_opening(middle > threshold_otsu(middle), iterations=2)
    parts = label_parts(bright)
    best, best_score = 0, 0.0
    for each in regionprops(parts):
        if not _SMALLEST <= each.area / plane.size <= _LARGEST:
            continue
        distance = np.hypot(*(np.asarray(each.centroid) / middle.shape - 0.5))
        score = float(each.solidity) * float(np.sqrt(1 - each.eccentricity**2)) * (1.0 - distance)
        if score > best_score:
            best, best_score = each.label, score
    if best:
        found[part] = ndimage.binary_fill_holes(parts == best)
    return found


def mark_41_percent(case: OutlinedCase, truth: Mask, number: int) -> Mask:
    """Mark what touches the hottest voxel and has at least 41 % of its value."""
    image = np.asarray(case.image.voxels, np.float32)
    parts, _ = ndimage.label(image >= 0.41 * image.max(), _TOUCHING)
    return np.asarray(parts == parts[np.unravel_index(int(image.argmax()), image.shape)])


def mark_fixed_uptake(case: OutlinedCase, truth: Mask, number: int) -> Mask:
    """Mark what takes up at least SUV 2.5."""
    return np.asarray(np.asarray(case.image.voxels, np.float32) >= _FIXED_SUV)


def mark_uptake_as_it_ships(case: OutlinedCase, truth: Mask, number: int) -> Mask:
    """Mark what the uptake method marks when nobody changes its values."""
    values = {each.name: float(each.default or 0.0) for each in UPTAKE.parameters}
    return find_uptake(
        case.image.voxels,
        voxel_ml=case.image.geometry.voxel_volume_ml,
        least_suv=values["least_suv"],
        share=values["share"] / 100,
        least_ml=values["least_volume"],
    )


def mark_top_percent(case: OutlinedCase, truth: Mask, number: int) -> Mask:
    """Mark the largest part of the brightest 2 % of the brain."""
    image = np.asarray(case.image.voxels, np.float32)
    brain = find_brain(image, case.image.geometry.spacing_mm)
    if not brain.any():
        return brain
    bright = brain & (image > np.percentile(image[brain], 100.0 - _BRIGHTEST_PERCENT))
    parts, _ = ndimage.label(bright, _TOUCHING)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray((parts == int(sizes.argmax())) & bright)


def mark_ellipse(case: OutlinedCase, truth: Mask, number: int) -> Mask:
    """Mark, slice by slice, the ellipse that most of the edges of bright structures lie on."""
    return np.stack([_mark_ellipse(np.asarray(plane, np.float64)) for plane in case.image.voxels])


def _mark_ellipse(plane: Plane) -> Mask:
    found = np.zeros(plane.shape, bool)
    share = _HEAD_SIDE / max(plane.shape)
    small = resize(plane, [max(16, round(n * share)) for n in plane.shape], anti_aliasing=True)
    smooth = ndimage.gaussian_filter(small, 1.5)
    edges = canny(smooth, sigma=1.5) & (smooth > np.quantile(smooth, 0.80))
    points = np.argwhere(edges)[:, ::-1].astype(float)
    if len(points) < 20:
        return found
    head = _fit_ellipse(points)
    if head is None:
        return found
    (column, row), (a, b) = head.center, head.axis_lengths
    rows, columns = ellipse(row / share, column / share, b / share, a / share, plane.shape, rotation=-head.theta)
    found[rows, columns] = True
    return found


def _fit_ellipse(points: Plane) -> EllipseModel | None:
    """Return the ellipse, of a head's size, that most points (column, row) lie within two pixels of."""
    rng = np.random.default_rng(_ELLIPSE_SEED)
    best: EllipseModel | None = None
    best_count = 0
    for _ in range(_ELLIPSE_TRIALS):
        head = EllipseModel.from_estimate(points[rng.choice(len(points), 6, replace=False)])
        if not head or not _is_head(head):
            continue
        count = int((_measure_distance(head, points) < _ELLIPSE_REACH).sum())
        if count > best_count:
            best, best_count = head, count
    if best is None:
        return None
    refined: EllipseModel = EllipseModel.from_estimate(points[_measure_distance(best, points) < _ELLIPSE_REACH])
    return refined if refined and _is_head(refined) else best


def _is_head(model: EllipseModel) -> bool:
    shorter, longer = sorted(float(each) for each in model.axis_lengths)
    return shorter >= 0.12 * _HEAD_SIDE and longer <= 0.6 * _HEAD_SIDE and shorter >= 0.5 * longer


def _measure_distance(model: EllipseModel, points: Plane) -> npt.NDArray[np.float64]:
    """Return about how far points lie from an ellipse, along the ray from its centre."""
    cosine, sine = np.cos(model.theta), np.sin(model.theta)
    x, y = (points - np.asarray(model.center)).T
    a, b = (float(each) for each in model.axis_lengths)
    radius = np.hypot((x * cosine + y * sine) / a, (y * cosine - x * sine) / b)
    distance: npt.NDArray[np.float64] = np.abs(radius - 1.0) * np.hypot(x, y) / np.maximum(radius, 1e-6)
    return distance


def mark_ridges(case: OutlinedCase, truth: Mask, number: int) -> Mask:
    """Mark the strongest dark ridges of the green channel; number 1 the redder half of them, 2 the other."""
    if not case.colours:
        return np.zeros(case.image.geometry.shape, bool)
    planes = zip(*case.colours, strict=True)
    return np.stack([find_retinal_vessels(red, green) == number for red, green, _ in planes])


def mark_dark_in_blue(case: OutlinedCase, truth: Mask, number: int) -> Mask:
    """Mark, photograph by photograph, the largest part below Otsu's threshold in blue that touches no edge."""
    if not case.colours:
        return np.zeros(case.image.geometry.shape, bool)
    return np.stack([_mark_dark(np.asarray(plane, np.float64)) for plane in case.colours[2]])


def _mark_dark(blue: Plane) -> Mask:
    smooth = ndimage.gaussian_filter(blue, 2.0)
    if smooth.min() == smooth.max():
        return np.zeros(blue.shape, bool)
    parts = label_parts(clear_border(smooth < threshold_otsu(smooth)))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    largest = int(sizes.argmax())
    return np.asarray(ndimage.binary_fill_holes(parts == largest)) if sizes[largest] else np.zeros(blue.shape, bool)

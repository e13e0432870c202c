"""A lesion on a photograph of skin: hair filled in, colours clustered, lesion and skin parted by a minimum cut.

References
----------
Lee T et al. DullRazor: a software approach to hair removal from images. Comput Biol Med 1997;27:533-543.
Rother C, Kolmogorov V, Blake A. GrabCut: interactive foreground extraction using iterated graph cuts. ACM Trans Graph
2004;23:309-314. doi:10.1145/1015706.1015720
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.cluster.vq import kmeans2
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow
from skimage.color import rgb2lab
from skimage.filters import threshold_otsu
from skimage.transform import resize

Mask = npt.NDArray[np.bool_]
Plane = npt.NDArray[np.float64]
Picture = npt.NDArray[np.float64]
"""Axes (row, column, colour)."""

_SIDE = 128
"""Pixels of the longer side on which the lesion is looked for."""
_LEAST_PIXELS = 16
_HAIR_PIXELS = 9
_HAIR_CONTRAST = 0.06
"""Of the brightness range: how much darker than its surroundings a hair is."""
_DARK_CORNER = 0.35
"""Share of the middle brightness below which what touches a corner is no skin."""
_RIM = 0.12
"""Share of the shorter side, at the image's edge, that shows skin in most photographs."""
_CLUSTERS = 4
_CUTS = 3
_SMOOTHNESS = 12.0
_SCALE = 100.0
_LEAST_DIFFERENCE = 7.0
"""CIE76 distance of the lesion's mean colour from the skin's around it."""
_LEAST_SHARE, _LARGEST_SHARE = 0.002, 0.75
_SEED = 20261123


class NoLesion(StrEnum):
    """Why nothing is marked."""

    NO_SKIN = "no skin is left beside dark corners"
    ALL_ALIKE = "no part differs clearly in colour from the skin around it"
    SIZE = "what differs in colour is a speck or fills the picture"


@dataclass(frozen=True, slots=True)
class SkinLesion:
    """What was found: a mask with axes (row, column), empty with the reason where nothing was."""

    mask: Mask
    reason: NoLesion | None = None


def find_skin_lesion(colours: npt.NDArray[np.generic]) -> SkinLesion:
    """Outline the one part of a photograph that differs most in colour from the skin around it.

    Parameters
    ----------
    colours
        Red, green and blue, 0 to 255, axes (row, column, colour).
    """
    shape = colours.shape[:2]
    if min(shape) < _LEAST_PIXELS:
        return SkinLesion(np.zeros(shape, bool), NoLesion.SIZE)
    share = min(1.0, _SIDE / max(shape))
    sizes = [max(8, round(n * share)) for n in shape]
    small = resize(np.asarray(colours, np.float64) / 255.0, (*sizes, 3), anti_aliasing=share < 1.0)
    skin = ~_find_dark_corners(small)
    if skin.mean() < 0.2:
        return SkinLesion(np.zeros(shape, bool), NoLesion.NO_SKIN)
    lab = _flatten(rgb2lab(_remove_hair(small, skin)), skin)
    marked, reason = _part(lab, skin)
    if reason is not None:
        return SkinLesion(np.zeros(shape, bool), reason)
    return SkinLesion(np.asarray(resize(marked.astype(np.float64), shape, order=1) > 0.5))


def _find_dark_corners(picture: Picture) -> Mask:
    """Return what is dark and touches a corner: the edge of a dermatoscope's field."""
    brightness = ndimage.gaussian_filter(picture.mean(axis=-1), 1.0)
    parts, _ = ndimage.label(brightness < _DARK_CORNER * np.median(brightness))
    numbers = {int(parts[row, column]) for row in (0, -1) for column in (0, -1)} - {0}
    corners = np.isin(parts, list(numbers))
    return np.asarray(ndimage.binary_dilation(corners, iterations=3)) if corners.any() else corners


def _remove_hair(picture: Picture, skin: Mask) -> Picture:
    """Fill thin dark lines from what lies beside them."""
    brightness = picture.mean(axis=-1)
    closed = np.max([ndimage.grey_closing(brightness, footprint=line) for line in _LINES], axis=0)
    hair = (closed - brightness > _HAIR_CONTRAST) & skin
    hair = np.asarray(ndimage.binary_dilation(hair))
    known = (~hair & skin).astype(np.float64)
    weight = ndimage.gaussian_filter(known, 2.0)
    blurred = np.stack([ndimage.gaussian_filter(picture[..., c] * known, 2.0) for c in range(3)], axis=-1)
    filled = blurred / np.maximum(weight, 1e-3)[..., None]
    return np.where((hair & (weight > 1e-3))[..., None], np.clip(filled, 0.0, 1.0), picture)


def _draw_lines() -> tuple[Mask, ...]:
    eye = np.eye(_HAIR_PIXELS, dtype=bool)
    across = np.zeros_like(eye)
    across[_HAIR_PIXELS // 2] = True
    return across, across.T, eye, eye[::-1]


_LINES = _draw_lines()


def _flatten(lab: Picture, skin: Mask) -> Picture:
    """Return colours as differences from the skin's, whose slow change over the picture is fitted by planes."""
    rows, columns = (np.linspace(-1.0, 1.0, n) for n in lab.shape[:2])
    at = np.stack(np.broadcast_arrays(rows[:, None], columns[None], 1.0), axis=-1)
    used = skin & _find_rim(skin)
    flat = lab - np.median(lab[used], axis=0)
    for _ in range(3):
        terms, *_ = np.linalg.lstsq(at[used], lab[used], rcond=None)
        flat = lab - at @ terms
        distance = np.linalg.norm(flat, axis=-1)
        limit = max(3.0, 2.0 * float(np.median(distance[used])))
        used = skin & (distance < limit)
        if used.mean() < 0.05:
            break
    return np.asarray(flat)


def _find_rim(skin: Mask) -> Mask:
    """Return what lies near the picture's edge or near dark corners."""
    padded = np.pad(skin, 1)
    depth = ndimage.distance_transform_edt(padded)[1:-1, 1:-1]
    return np.asarray(depth <= _RIM * min(skin.shape))


def _part(lab: Picture, skin: Mask) -> tuple[Mask, NoLesion | None]:
    smooth = np.stack([ndimage.gaussian_filter(lab[..., c], 1.0) for c in range(3)], axis=-1)
    distance = np.linalg.norm(smooth, axis=-1)
    marked = (distance > threshold_otsu(distance[skin])) & skin
    edge = _find_rim(skin) & (distance < np.median(distance[skin]))
    for _ in range(_CUTS):
        if not marked.any() or not (skin & ~marked).any():
            break
        marked = _cut(smooth, _measure_fit(smooth, marked), _measure_fit(smooth, skin & ~marked), skin, edge)
    return _choose(marked, distance, skin)


def _measure_fit(lab: Picture, marked: Mask) -> Plane:
    """Return minus the logarithm of how likely each pixel's colour is among the marked: clusters with their spreads."""
    values = lab[marked]
    count = min(_CLUSTERS, max(1, len(values) // 20))
    centres, numbers = kmeans2(values, count, minit="++", seed=_SEED)
    fits = []
    for number in range(count):
        theirs = values[numbers == number]
        if len(theirs) < 5:
            continue
        spread = np.maximum(theirs.std(axis=0), 1.5)
        offset = (lab - centres[number]) / spread
        fits.append(0.5 * (offset**2).sum(axis=-1) + np.log(spread).sum() - np.log(len(theirs) / len(values)))
    return np.asarray(np.min(fits, axis=0) if fits else np.linalg.norm(lab - values.mean(axis=0), axis=-1))


def _cut(lab: Picture, lesion_fit: Plane, skin_fit: Plane, skin: Mask, edge: Mask) -> Mask:
    """Part lesion from skin where their colours fit and the border is short and lies on edges.

    The network's source stands for the lesion: a pixel's link to it costs what the pixel costs as skin.
    """
    height, width = skin.shape
    index = np.arange(height * width).reshape(height, width)
    source, sink = height * width, height * width + 1
    starts, ends, costs = [], [], []
    for ahead, behind in (((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
                          ((slice(1, None), slice(None)), (slice(None, -1), slice(None)))):  # fmt: skip
        step = ((lab[ahead] - lab[behind]) ** 2).sum(axis=-1)
        weight = _SMOOTHNESS * np.exp(-step / (2.0 * max(float(step.mean()), 1e-6)))
        for one, other in ((ahead, behind), (behind, ahead)):
            starts.append(index[one].ravel())
            ends.append(index[other].ravel())
            costs.append(weight.ravel())
    # only the difference of the two fits matters: the smaller one goes off both
    as_skin, as_lesion = np.clip(skin_fit - lesion_fit, 0.0, 50.0), np.clip(lesion_fit - skin_fit, 0.0, 50.0)
    as_lesion[~skin | edge] = 200.0
    as_skin[~skin | edge] = 0.0
    starts += [np.full(height * width, source), index.ravel()]
    ends += [index.ravel(), np.full(height * width, sink)]
    costs += [as_skin.ravel(), as_lesion.ravel()]
    capacity = np.round(np.concatenate(costs) * _SCALE).astype(np.int32)
    graph = csr_array((capacity, (np.concatenate(starts), np.concatenate(ends))), shape=(sink + 1, sink + 1))
    graph.eliminate_zeros()
    left = csr_array(graph - maximum_flow(graph, source, sink).flow)
    left.eliminate_zeros()
    reached = np.zeros(sink + 1, bool)
    reached[breadth_first_order(left, source, return_predecessors=False)] = True
    return np.asarray(reached[: height * width].reshape(height, width))


def _choose(marked: Mask, distance: Plane, skin: Mask) -> tuple[Mask, NoLesion | None]:
    """Return the part that differs most in all and lies inside rather than at the edge, its holes filled."""
    parts, count = ndimage.label(ndimage.binary_opening(marked))
    if count == 0:
        return marked, NoLesion.ALL_ALIKE
    numbers = np.arange(1, count + 1)
    inside = ndimage.distance_transform_edt(np.pad(skin, 1))[1:-1, 1:-1] / (0.5 * min(skin.shape))
    weights = ndimage.sum_labels(distance * np.clip(inside, 0.05, 0.5), parts, numbers)
    chosen = np.asarray(ndimage.binary_fill_holes(parts == 1 + int(np.argmax(weights))))
    if float(distance[chosen].mean()) < _LEAST_DIFFERENCE:
        return chosen, NoLesion.ALL_ALIKE
    if not _LEAST_SHARE <= chosen.mean() <= _LARGEST_SHARE:
        return chosen, NoLesion.SIZE
    return chosen, None

"""Random brain MR images with enhancing lesions: an endless training set with known truth.

Domain randomisation: anatomy (warp, pose, side), lesions (number, size, place, necrosis, oedema), contrast between
tissues, bias field, noise, blur and spacing vary far more than in patients, so that a network learns the lesion and
not a scanner.

References
----------
Billot B et al. SynthSeg: segmentation of brain MRI scans of any contrast and resolution without retraining.
Medical Image Analysis 2023. doi:10.1016/j.media.2023.102789
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.training.synthetic.glioma import GLIOMA_SEGMENTS, Glioma, LesionShares, draw_glioma, label_shares
from inference.training.synthetic.head import HeadTissues, load_head
from inference.training.synthetic.noise import Field, bias_field, rician, smooth_noise
from inference.training.synthetic.shapes import Place, open_grid
from inference.training.synthetic.template import ORIGIN_MM
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap

_CENTRE_MM = (8.0, 16.0, 0.0)
"""About the middle of the brain in the template's frame (slice, row, column)."""
_T1C = (0.52, 0.72, 0.18, 1.0, 0.42, 1.0)
_T1C_SPREAD = (0.09, 0.10, 0.07, 0.22, 0.09, 0.15)


def random_brain_lesion_case(
    rng: np.random.Generator,
    *,
    shape: tuple[int, int, int] = (96, 96, 96),
    spacing_mm: Place = (1.5, 1.5, 1.5),
    max_lesions: int = 3,
    tumour_share: float = 0.85,
) -> tuple[Volume, LabelMap]:
    """Draw one contrast-enhanced T1 image of a head with 0 to ``max_lesions`` lesions, and its truth.

    Takes about a quarter of a second at 96^3 once the head is built (some seconds, once per process).

    Parameters
    ----------
    rng
        The only source of randomness: equal generators give equal cases.
    shape, spacing_mm
        The grid, (slice, row, column); it is centred near a lesion or, where there is none, near the brain's middle.
    max_lesions
        At most so many lesions.
    tumour_share
        Share of cases with any lesion.

    Returns
    -------
    volume
        "MR", float32, arbitrary units (roughly 0 to 1000); the direction is identity (axial, LPS).
    truth
        uint8 on the same grid: 0 background, 1 necrotic core, 2 enhancing tumour, 3 oedema (`GLIOMA_SEGMENTS`).
        "Enhancing lesion" is 2; "tumour core" is 1 and 2.
    """
    lesions = _random_lesions(rng, max_lesions) if rng.random() < tumour_share else []
    focus = lesions[int(rng.integers(len(lesions)))].centre_mm if lesions else _CENTRE_MM
    middle = _window_centre(rng, focus, shape, spacing_mm)
    origin = tuple(m - s * (n - 1) / 2.0 for m, s, n in zip(middle, spacing_mm, shape, strict=True))
    return draw_head(rng, lesions, shape, spacing_mm, (origin[0], origin[1], origin[2]))


def draw_head(
    rng: np.random.Generator,
    lesions: Sequence[Glioma],
    shape: tuple[int, int, int],
    spacing_mm: Place,
    origin_mm: Place,
    contrast: Contrast | None = None,
) -> tuple[Volume, LabelMap]:
    """Draw a head with given lesions on a grid, and its truth.

    Parameters
    ----------
    origin_mm
        Of the first voxel, along (slice, row, column) in the head's frame.
    contrast
        What tissues and lesions shine with; None draws that of T1 with contrast.
    """
    tissues = _sample_tissues(rng, load_head(), shape, spacing_mm, origin_mm)
    chosen = _random_t1c(rng) if contrast is None else contrast
    image = sum(np.float32(max(i, 0.02)) * t for i, t in zip(chosen.tissues, tissues, strict=True))
    at = open_grid(shape, spacing_mm, origin_mm)
    labels = np.zeros(shape, dtype=np.uint8)
    brain = np.clip(tissues[0] + tissues[1], 0.0, 1.0)
    signal = np.asarray(image, dtype=np.float32)
    for lesion in lesions:
        shares = draw_glioma(rng, lesion, at, spacing_mm, tissues[1], brain)
        signal = _paint(rng, signal, shares, chosen.lesions or _random_lesion_signals(rng, chosen.tissues))
        label_shares(labels, shares)
    voxels = _scan(rng, signal, spacing_mm) * np.float32(1000.0)
    geometry = VolumeGeometry(
        shape, spacing_mm, (origin_mm[2], origin_mm[1], origin_mm[0]), (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)
    )
    return Volume(voxels, geometry, "MR"), LabelMap(labels, geometry, GLIOMA_SEGMENTS)


@dataclass(frozen=True, slots=True)
class Contrast:
    """Signals of a sequence; 1.0 becomes 1000 in the image.

    Attributes
    ----------
    tissues
        Of (grey matter, white matter, fluid, fat, muscle, vessel).
    lesions
        Of (core, rim, oedema); None draws them anew for each lesion, as on T1 with contrast.
    """

    tissues: tuple[float, ...]
    lesions: tuple[float, float, float] | None = None


@lru_cache(maxsize=1)
def _lesion_places() -> npt.NDArray[np.float32]:
    """Places inside white matter, mm along (slice, row, column), where a lesion may begin."""
    inside = ndimage.uniform_filter(load_head().white_matter[::3, ::3, ::3], 3) > 150
    places: npt.NDArray[np.float32] = np.argwhere(inside).astype(np.float32) * 3.0 + np.asarray(ORIGIN_MM, np.float32)
    return places


def random_white_matter_place(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a place inside white matter, mm along (slice, row, column) in the head's frame."""
    places = _lesion_places()
    return np.asarray(places[int(rng.integers(len(places)))] + rng.normal(0.0, 3.0, 3), np.float64)


def _random_lesions(rng: np.random.Generator, max_lesions: int) -> list[Glioma]:
    lesions = []
    for _ in range(int(rng.integers(1, max_lesions + 1))):
        centre = random_white_matter_place(rng)
        radius = float(rng.choice([rng.uniform(2.5, 7.0), rng.uniform(7.0, 14.0), rng.uniform(14.0, 24.0)]))
        radii = radius * np.exp(rng.normal(0.0, 0.15, 3))
        lobes = [
            (_direction(rng, rng.uniform(0.6, 1.0)), float(rng.uniform(0.35, 0.7))) for _ in range(rng.integers(0, 3))
        ]
        solid = rng.random() < (0.75 if radius < 7.0 else 0.25)
        lesions.append(
            Glioma(
                centre_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
                radii_mm=(float(radii[0]), float(radii[1]), float(radii[2])),
                lobes=tuple(lobes),
                rim_mm=3.0 * radius if solid else float(rng.uniform(1.6, 2.0 + 0.3 * radius)),
                oedema_mm=float(rng.choice([0.0, rng.uniform(3.0, 25.0)])),
                roughness=float(rng.uniform(0.05, 0.25)),
            )
        )
    return lesions


def _direction(rng: np.random.Generator, length: float) -> Place:
    vector = rng.standard_normal(3)
    vector *= length / np.linalg.norm(vector)
    return (float(vector[0]), float(vector[1]), float(vector[2]))


def _window_centre(rng: np.random.Generator, focus: Place, shape: tuple[int, ...], spacing_mm: Place) -> Place:
    """Place the grid: it holds the focus, and stays near the head."""
    half = np.asarray(shape) * np.asarray(spacing_mm) / 2.0
    room = np.maximum(half - 12.0, 0.0)
    jitter = rng.uniform(-1.0, 1.0, 3) * np.minimum(room, 40.0)
    wanted = np.asarray(focus) + jitter
    slack = np.maximum(np.asarray((75.0, 100.0, 80.0)) - half, 12.0)  # a window larger than the head is centred on it
    centre = np.clip(wanted, np.asarray(_CENTRE_MM) - slack, np.asarray(_CENTRE_MM) + slack)
    centre = np.clip(centre, np.asarray(focus) - room, np.asarray(focus) + room)
    return (float(centre[0]), float(centre[1]), float(centre[2]))


def _sample_tissues(
    rng: np.random.Generator, head: HeadTissues, shape: tuple[int, int, int], spacing_mm: Place, origin_mm: Place
) -> list[Field]:
    """Sample the head on the grid through a random affine and a smooth warp."""
    at = np.stack(np.broadcast_arrays(*open_grid(shape, spacing_mm, origin_mm)))
    matrix = _random_affine(rng)
    centre = np.asarray(_CENTRE_MM, dtype=np.float32)[:, None, None, None]
    places = np.tensordot(matrix, at - centre, axes=1) + centre
    for axis in range(3):
        places[axis] += np.float32(rng.uniform(0.5, 3.0)) * smooth_noise(rng, shape, spacing_mm, scale_mm=30.0)
        places[axis] += np.float32(rng.uniform(0.0, 0.8)) * smooth_noise(rng, shape, spacing_mm, scale_mm=9.0)
    places -= np.asarray(ORIGIN_MM, dtype=np.float32)[:, None, None, None]
    return [
        ndimage.map_coordinates(channel, places, output=np.float32, order=1, mode="constant") / np.float32(255.0)
        for channel in head.channels()
    ]


def _random_affine(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    angles = np.deg2rad(rng.normal(0.0, 7.0, 3))
    matrix = np.diag(np.exp(rng.normal(0.0, 0.07, 3)))
    for axis, angle in enumerate(angles):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    if rng.random() < 0.5:
        matrix[:, 2] *= -1.0  # left and right are alike
    return matrix.astype(np.float32)


def _random_t1c(rng: np.random.Generator) -> Contrast:
    return Contrast(tuple(np.asarray(_T1C) + np.asarray(_T1C_SPREAD) * rng.standard_normal(6)))


def _random_lesion_signals(rng: np.random.Generator, tissues: Sequence[float]) -> tuple[float, float, float]:
    """Draw core, rim and oedema on T1 with contrast: rim above white matter, core between fluid and grey matter."""
    grey, white, fluid = (float(each) for each in tissues[:3])
    rim = white * rng.uniform(1.15, 1.7)
    core = fluid + (grey - fluid) * rng.uniform(0.1, 0.9)
    return core, rim, grey + (white - grey) * rng.uniform(-0.6, 0.3)


def _paint(rng: np.random.Generator, signal: Field, shares: LesionShares, lesion: tuple[float, float, float]) -> Field:
    """Replace tissue by lesion."""
    core, rim, swollen = lesion
    texture = np.float32(1.0) + np.float32(0.08) * rng.standard_normal(signal.shape, dtype=np.float32)
    rest = 1 - shares.necrosis - shares.enhancing - shares.oedema
    painted: Field = (
        signal * rest
        + np.float32(core) * shares.necrosis
        + np.float32(rim) * texture * shares.enhancing
        + np.float32(swollen) * shares.oedema
    )
    return painted


def _scan(rng: np.random.Generator, signal: Field, spacing_mm: Place) -> Field:
    """Blur, shade and add Rician noise; scale to about 0 to 1."""
    blur_mm = rng.uniform(0.2, 0.9)
    blurred = ndimage.gaussian_filter(signal, [blur_mm / s for s in spacing_mm], truncate=3.0)
    shaded = blurred * bias_field(rng, signal.shape, spacing_mm, strength=float(rng.uniform(0.0, 0.18)))
    return rician(rng, shaded, sigma=float(rng.uniform(0.005, 0.06)))

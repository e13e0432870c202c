"""What the synthetic heads lack and real ones have: vessels brighter than any tumour, and tumours outside the brain.

A network that has only seen tumours brighter than vessels marks vessels; one that has only seen them in white matter
does not find a schwannoma in its cistern.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.classical.grey_values import find_body, find_body_threshold, sample_grey_values
from inference.training.synthetic.noise import smooth_noise

Image = npt.NDArray[np.float32]
Truth = npt.NDArray[np.uint8]

_POINTS_PER_VESSEL = 80
_THINNING = 4
"""The depth below the skin is measured on every fourth voxel."""


def add_vessels(rng: np.random.Generator, image: Image, truth: Truth, *, level: float, spacing_mm: float) -> None:
    """Draw bright bent tubes anywhere but in a lesion; `level` is the grey value of the tissue around."""
    for _ in range(int(rng.integers(2, 9))):
        radius = float(rng.uniform(0.7, 4.0)) / spacing_mm
        share = np.zeros(image.shape, np.float32)
        for point in _bent_path(rng, image.shape):
            _stamp(share, point, radius)
        share[truth > 0] = 0.0
        bright = np.float32(level * rng.uniform(1.0, 2.8))
        image += share * (bright - image)


def _bent_path(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    start = rng.uniform(0, shape)
    direction = rng.standard_normal(3)
    direction *= rng.uniform(20, 70) / np.linalg.norm(direction)
    bend = rng.standard_normal(3) * 12.0
    along = np.linspace(0.0, 1.0, _POINTS_PER_VESSEL)[:, None]
    path: npt.NDArray[np.float64] = start + along * direction + along * (1.0 - along) * bend
    return path


def _stamp(share: Image, centre: npt.NDArray[np.float64], radius: float) -> None:
    """Raise `share` to 1 within a ball, over one voxel of soft edge."""
    reach = int(np.ceil(radius + 1.0))
    low = np.clip(np.floor(centre).astype(int) - reach, 0, share.shape)
    high = np.clip(np.floor(centre).astype(int) + reach + 2, 0, share.shape)
    if (high <= low).any():
        return
    axes = np.ogrid[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))]
    distance = np.sqrt(sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)))
    part = share[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))]
    np.maximum(part, np.clip(radius + 0.5 - distance, 0.0, 1.0).astype(np.float32), out=part)


def add_solid_lesion(rng: np.random.Generator, image: Image, truth: Truth, *, level: float, spacing_mm: float) -> None:
    """Draw one compact enhancing lesion anywhere well below the skin, and mark it in the truth."""
    centre = _pick_place(rng, image, spacing_mm)
    if centre is None:
        return
    radius = float(rng.choice([rng.uniform(3.0, 7.0), rng.uniform(7.0, 14.0)]))
    radii = radius * np.exp(rng.normal(0.0, 0.2, 3)) / spacing_mm
    axes = np.ogrid[tuple(slice(0, n) for n in image.shape)]
    distance = np.sqrt(sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre, radii, strict=True)))
    spacing = (spacing_mm, spacing_mm, spacing_mm)
    distance = distance + rng.uniform(0.05, 0.25) * smooth_noise(rng, image.shape, spacing, scale_mm=0.8 * radius + 2.0)
    share = np.clip((1.0 - distance) * radii.mean() + 0.5, 0.0, 1.0).astype(np.float32)
    texture = 1.0 + 0.08 * smooth_noise(rng, image.shape, spacing, scale_mm=4.0)
    if rng.random() < 0.5:  # small cysts
        cysts = smooth_noise(rng, image.shape, spacing, scale_mm=5.0) > rng.uniform(0.8, 1.6)
        texture = np.where(cysts, texture * rng.uniform(0.5, 0.8), texture)
    grain = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(0.01, 0.06))
    image += share * (np.float32(level * rng.uniform(1.25, 2.0)) * (texture + grain).astype(np.float32) - image)
    truth[share > 0.5] = 1


def _pick_place(rng: np.random.Generator, image: Image, spacing_mm: float) -> npt.NDArray[np.float64] | None:
    thin = image[::_THINNING, ::_THINNING, ::_THINNING]
    body = find_body(thin, find_body_threshold(sample_grey_values(image)))
    outside = np.pad(~body, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    depth = ndimage.distance_transform_edt(~outside, sampling=_THINNING * spacing_mm)[:, 1:-1, 1:-1]
    places = np.argwhere(depth > 18.0)
    if places.size == 0:
        return None
    place: npt.NDArray[np.float64] = _THINNING * (places[int(rng.integers(len(places)))] + rng.uniform(0.0, 1.0, 3))
    return place

"""A chest X-ray: the same chest as the CT, standing, seen through by X-rays from behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.training.synthetic.chest_ct import LESION_COURSE, draw_chest, paint_lesions
from inference.training.synthetic.noise import Field
from inference.training.synthetic.shapes import open_grid
from inference.training.synthetic.thorax_canvas import AIR, Canvas

_WATER_PER_MM = 0.0185
"""Attenuation of water at the effective energy of a filtered 120 kV beam."""
MAXIMUM = 4095


@dataclass(frozen=True, slots=True)
class Radiograph:
    """A projection: uint16 (row, column), 0 to `MAXIMUM`, dense parts bright; square pixels of ``spacing_mm``."""

    pixels: npt.NDArray[np.uint16]
    spacing_mm: float


def generate_chest_xray(seed: int, timepoint: int = 1, *, pixel_mm: float = 0.8, enlarged: int = 2) -> Radiograph:
    """Generate a postero-anterior chest film.

    Parameters
    ----------
    seed
        The patient, as for the CT.
    timepoint
        The date whose lesions are shown.
    pixel_mm
        Grid on which rays are summed.
    enlarged
        Finer detector pixels, interpolated, so that noise and letters are sharper than the anatomy.

    References
    ----------
    Beer-Lambert law along parallel rays; single scatter taken as a broad blur of the primary beam.
    """
    thickness_mm = 4.0
    shape = (round(340.0 / pixel_mm), round(240.0 / thickness_mm), round(336.0 / pixel_mm))
    spacing = (pixel_mm, thickness_mm, pixel_mm)
    at = open_grid(shape, spacing, (-165.0, -118.0, -168.0))
    canvas = Canvas(np.full(shape, AIR, dtype=np.float32), at, spacing)
    lungs = draw_chest(canvas, seed)
    paint_lesions(canvas, seed, timepoint, LESION_COURSE, lungs)
    depth = _line_integrals(canvas.hu, thickness_mm)[::-1]  # head up
    rng = np.random.default_rng((seed, 20))
    return Radiograph(_develop(rng, _zoom(depth, enlarged)), pixel_mm / enlarged)


def _line_integrals(hu: Field, thickness_mm: float) -> Field:
    """Sum attenuation from back to front; bone weighs more than its CT number says at a film's energies."""
    relative = np.maximum(1.0 + hu / np.float32(1000.0), 0.0)
    relative += np.float32(0.5) * np.clip(hu - 170.0, 0.0, 900.0) / np.float32(1000.0)
    total: Field = relative.sum(axis=1) * np.float32(thickness_mm * _WATER_PER_MM)
    return total


def _zoom(depth: Field, enlarged: int) -> Field:
    return np.asarray(ndimage.zoom(depth, enlarged, order=3), dtype=np.float32)


def _develop(rng: np.random.Generator, depth: Field) -> npt.NDArray[np.uint16]:
    """Expose, add scatter and quantum noise, take the logarithm, even out and sharpen as a digital system does."""
    primary = np.exp(-depth)
    scatter = 0.55 * ndimage.gaussian_filter(primary, 60.0, truncate=2.5) + 0.002
    quanta = 14_000.0 * (primary + scatter)
    exposed = quanta + np.sqrt(quanta) * rng.standard_normal(quanta.shape, dtype=np.float32)
    density = -np.log(np.maximum(exposed, 20.0) / 14_000.0)
    broad = ndimage.gaussian_filter(density, 45.0, truncate=2.5)
    fine = ndimage.gaussian_filter(density, 2.5)
    processed = density - 0.5 * (broad - broad.mean()) + 0.8 * (density - fine)
    low, high = np.percentile(processed[::4, ::4], (1.0, 99.7))
    share = np.clip((processed - low) / (high - low), 0.0, 1.0)
    curve = share * share * (3 - 2 * share) * 0.35 + share * 0.65
    pixels: npt.NDArray[np.uint16] = np.round(curve * MAXIMUM).astype(np.uint16)
    margin = max(pixels.shape[1] // 28, 4)  # the collimator leaves an edge unexposed: the letters go there
    frame = np.zeros_like(pixels)
    frame[margin:-margin, margin // 2 : -margin // 2] = pixels[margin:-margin, margin // 2 : -margin // 2]
    return frame

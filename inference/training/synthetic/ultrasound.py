"""A short echocardiogram: a sector with speckle, four chambers, a contracting left ventricle and moving valves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.training.synthetic.noise import Field, smooth_noise, smooth_step

DEPTH_MM = 150.0
_HALF_ANGLE = np.deg2rad(38.0)
_TOP_MM = 8.0
_LINES, _SAMPLES = 220, 520
_WIDTH_MM = 200.0


@dataclass(frozen=True, slots=True)
class Cine:
    """A loop of frames.

    Attributes
    ----------
    pixels
        uint8, (frame, row, column).
    truth
        uint8, same shape: 1 where the left ventricle's cavity is.
    spacing_mm
        (row, column).
    frame_time_ms
        Between frames; the loop is one heart beat.
    """

    pixels: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.uint8]
    spacing_mm: tuple[float, float]
    frame_time_ms: float


class _Chamber(NamedTuple):
    """Centre and radii (across, deep) in mm, and the share by which the wall moves inwards in systole."""

    across_mm: float
    deep_mm: float
    half_width_mm: float
    half_length_mm: float
    squeeze: float


_LEFT_VENTRICLE = _Chamber(14.0, 64.0, 22.0, 40.0, 0.27)
_OTHERS = (
    _Chamber(-27.0, 68.0, 15.0, 32.0, 0.2),
    _Chamber(17.0, 124.0, 22.0, 17.0, -0.14),
    _Chamber(-24.0, 122.0, 20.0, 17.0, -0.12),
)


def generate_ultrasound_cine(seed: int, *, frames: int = 30, shape: tuple[int, int] = (480, 600)) -> Cine:
    """Generate an apical four-chamber loop.

    References
    ----------
    Burckhardt CB. Speckle in ultrasound B-mode scans. IEEE Trans Sonics Ultrason 1978 (fully developed speckle: the
    magnitude of a complex Gaussian field, Rayleigh distributed). doi:10.1109/T-SU.1978.30978
    """
    rng = np.random.default_rng((seed, 30))
    grid = (900, 1200)
    spacing = (0.2, 0.2)
    scatterers = rng.standard_normal((2, *grid), dtype=np.float32)
    texture = smooth_noise(rng, grid, spacing, scale_mm=7.0)
    wobble = smooth_noise(rng, (64,), (1.0,), scale_mm=8.0)
    row_mm, column_mm = DEPTH_MM / shape[0] * 1.04, _WIDTH_MM / shape[1]
    pixels = np.zeros((frames, *shape), dtype=np.uint8)
    truth = np.zeros((frames, *shape), dtype=np.uint8)
    rows, columns = np.meshgrid(
        np.arange(shape[0]) * row_mm, (np.arange(shape[1]) - shape[1] / 2) * column_mm, indexing="ij"
    )
    for frame in range(frames):
        systole = _systole(frame / frames)
        beam = _beam_space(rng, scatterers, texture, wobble, systole)
        pixels[frame] = _scan_convert(beam, rows, columns)
        inside = _chamber_distance(columns, rows, _LEFT_VENTRICLE, systole, wobble) < 0
        truth[frame] = inside & _in_sector(rows, columns)
    _draw_scale(pixels, row_mm)
    return Cine(pixels, truth, (row_mm, column_mm), 1000.0 / frames * 0.86)


def _systole(phase: float) -> float:
    """Return how contracted the ventricles are, 0 to 1, at a share of the beat."""
    if phase < 0.36:
        return float(np.sin(np.pi / 2 * phase / 0.36) ** 2)
    return float(np.cos(np.pi / 2 * min((phase - 0.36) / 0.34, 1.0)) ** 2)


def _chamber_distance(across: Field, deep: Field, chamber: _Chamber, systole: float, wobble: Field) -> Field:
    """Return about the distance from a chamber's wall, mm; it narrows more than it shortens."""
    factor = 1.0 - chamber.squeeze * systole
    width, length = chamber.half_width_mm * factor, chamber.half_length_mm * (1.0 - 0.5 * chamber.squeeze * systole)
    x, y = across - chamber.across_mm, deep - chamber.deep_mm - 3.0 * systole
    angle = (np.arctan2(y, x) + np.pi) / (2 * np.pi) * 48.0
    bumps = np.interp(angle, np.arange(49), np.append(wobble[:48], wobble[0]))
    egg = 1.0 + 0.22 * np.clip(y / length, -1.0, 1.0)  # narrower at the apex
    distance: Field = ((np.hypot(x / (width * egg), y / length) - 1.0) * width + 0.8 * bumps).astype(np.float32)
    return distance


def _beam_space(rng: np.random.Generator, scatterers: Field, texture: Field, wobble: Field, systole: float) -> Field:
    """Return log-compressed echoes, 0 to 1, on (sample, line): the tissue carries its own scatterers along."""
    depth = np.linspace(2.0, DEPTH_MM, _SAMPLES, dtype=np.float32)[:, None]
    angle = np.linspace(-_HALF_ANGLE, _HALF_ANGLE, _LINES, dtype=np.float32)[None, :]
    across, deep = depth * np.sin(angle), depth * np.cos(angle) + _TOP_MM - 8.0
    distance = _chamber_distance(across, deep, _LEFT_VENTRICLE, systole, wobble)
    pull = 1.0 + 0.22 * systole * np.exp(-((np.maximum(distance, 0.0) / 14.0) ** 2))
    x = _LEFT_VENTRICLE.across_mm + (across - _LEFT_VENTRICLE.across_mm) * pull
    y = _LEFT_VENTRICLE.deep_mm + (deep - _LEFT_VENTRICLE.deep_mm) * (0.5 + 0.5 * pull)
    index = np.stack([y / 0.2 + 20.0, x / 0.2 + 600.0])
    waves = [ndimage.map_coordinates(part, index, order=1, mode="wrap") for part in scatterers]
    mottle = ndimage.map_coordinates(texture, index, order=1, mode="wrap")
    echo = _echogenicity(across, deep, systole, wobble, distance) * np.exp(0.45 * mottle)
    amplitude = np.sqrt(echo)
    real, imaginary = (ndimage.gaussian_filter(w * amplitude, (1.3, 1.5)) for w in waves)
    envelope = np.hypot(real, imaginary) * np.exp(-depth / 230.0) + 0.0016 * np.abs(rng.standard_normal(depth.shape))
    clutter = 0.35 * np.exp(-depth / 6.0) + 0.003
    decibel = 20.0 * np.log10(envelope + 0.12 * clutter)
    compressed: Field = np.clip((decibel + 46.0) / 44.0, 0.0, 1.0).astype(np.float32)
    return compressed


def _echogenicity(across: Field, deep: Field, systole: float, wobble: Field, left: Field) -> Field:
    """Return the strength of scattering: wall, blood, pericardium, valves, what lies around."""
    others = [_chamber_distance(across, deep, chamber, systole, np.roll(wobble, 9)) for chamber in _OTHERS]
    nearest = np.minimum.reduce([left, *others])
    heart = np.minimum(left - 10.0, np.minimum.reduce(others) - 6.0)
    echo = np.full(across.shape, 0.16, dtype=np.float32)
    echo += (0.42 - echo) * smooth_step(heart, width=2.0)
    echo += (
        (3.2 - echo)
        * smooth_step(np.abs(heart - 1.5) - 0.9, width=1.2)
        * (0.45 + 0.55 * smooth_step(60.0 - deep, width=50.0))
    )
    echo += (0.9 - echo) * smooth_step(np.abs(left) - 0.7, width=1.2)
    echo += (0.004 - echo) * smooth_step(nearest, width=1.4)
    for hinge, tip in _leaflets(systole):
        echo += (2.2 - echo) * smooth_step(_segment_distance(across, deep, hinge, tip) - 0.7, width=1.0)
    return np.maximum(echo, np.float32(0.002))


def _leaflets(systole: float) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return the mitral and tricuspid leaflets: open towards the apex in diastole, closed in systole."""
    opening = 1.0 - systole
    leaflets = []
    for centre, half, level in ((15.0, 17.0, 105.0), (-25.0, 15.0, 102.0)):
        base = level + 3.0 * systole
        for side in (-1.0, 1.0):
            hinge = (centre + side * half, base)
            tip = (centre + side * (1.0 + 0.55 * half * opening), base - 4.0 - 13.0 * opening)
            leaflets.append((hinge, tip))
    return leaflets


def _segment_distance(x: Field, y: Field, start: tuple[float, float], end: tuple[float, float]) -> Field:
    dx, dy = end[0] - start[0], end[1] - start[1]
    share = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy), 0.0, 1.0)
    distance: Field = np.hypot(x - start[0] - share * dx, y - start[1] - share * dy)
    return distance


def _in_sector(rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    deep = rows - _TOP_MM + 2.0
    inside: npt.NDArray[np.bool_] = (
        (np.hypot(deep, columns) < DEPTH_MM - 0.5)
        & (np.hypot(deep, columns) > 3.0)
        & (np.abs(np.arctan2(columns, np.maximum(deep, 1e-6))) < _HALF_ANGLE)
        & (deep > 0)
    )
    return inside


def _scan_convert(
    beam: Field, rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint8]:
    deep = rows - _TOP_MM + 2.0
    sample = (np.hypot(deep, columns) - 2.0) / (DEPTH_MM - 2.0) * (_SAMPLES - 1)
    line = (np.arctan2(columns, np.maximum(deep, 1e-6)) / _HALF_ANGLE + 1.0) / 2.0 * (_LINES - 1)
    picture = ndimage.map_coordinates(beam, np.stack([sample, line]), order=1, mode="constant")
    grey: npt.NDArray[np.uint8] = np.round(picture * 255.0 * _in_sector(rows, columns)).astype(np.uint8)
    return grey


def _draw_scale(pixels: npt.NDArray[np.uint8], row_mm: float) -> None:
    """Draw a tick every centimetre of depth at the right edge."""
    for centimetre in range(int(DEPTH_MM // 10) + 1):
        row = round((centimetre * 10.0 + _TOP_MM) / row_mm)
        length = 12 if centimetre % 5 == 0 else 6
        if row < pixels.shape[1]:
            pixels[:, row, -8 - length : -8] = 170

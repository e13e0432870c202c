"""The ultrasound cine and the fundus photograph."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from inference.training.synthetic.fundus import ARTERY, CUP, DISC, VEIN, generate_fundus
from inference.training.synthetic.ultrasound import generate_ultrasound_cine


def test_the_ventricle_contracts_and_fills_again() -> None:
    cine = generate_ultrasound_cine(5, frames=8, shape=(160, 200))
    area = cine.truth.reshape(8, -1).sum(axis=1)
    assert area[0] > 1.3 * area.min()
    assert area[0] == area.max()
    assert 2 <= int(np.argmin(area)) <= 4
    assert area[7] > 1.2 * area.min()


def test_blood_is_dark_wall_is_bright_and_outside_the_sector_is_black() -> None:
    cine = generate_ultrasound_cine(5, frames=2, shape=(160, 200))
    cavity = cine.truth[0] == 1
    wall = ndimage.binary_dilation(cavity, iterations=7) & ~ndimage.binary_dilation(cavity, iterations=2)
    deep = np.arange(160)[:, None] > 50  # below the clutter of the near field
    blood = ndimage.binary_erosion(cavity, iterations=3)
    assert cine.pixels[0][blood & deep].mean() < 0.4 * cine.pixels[0][wall & deep].mean()
    assert not cine.pixels[:, :30, :60].any()


def test_speckle_is_rayleigh_like() -> None:
    """In fully developed speckle the mean of the magnitude is 1.91 standard deviations; log compression is undone."""
    cine = generate_ultrasound_cine(5, frames=1, shape=(480, 600))
    patch = cine.pixels[0, 330:360, 480:520].astype(float) / 255.0
    magnitude = 10.0 ** ((patch * 44.0 - 46.0) / 20.0)
    assert 1.2 < magnitude.mean() / magnitude.std() < 3.0


def test_the_cine_and_the_photograph_are_reproducible() -> None:
    first, again = (generate_ultrasound_cine(2, frames=2, shape=(80, 100)) for _ in range(2))
    assert first.pixels.tobytes() == again.pixels.tobytes()
    assert first.pixels.tobytes() != generate_ultrasound_cine(3, frames=2, shape=(80, 100)).pixels.tobytes()
    assert generate_fundus(2, size=96).pixels.tobytes() == generate_fundus(2, size=96).pixels.tobytes()


def test_the_disc_is_bright_and_vessels_are_dark_in_green() -> None:
    picture = generate_fundus(6, size=320)
    green, truth = picture.pixels[..., 1].astype(float), picture.truth
    around = np.median(green[(truth == 0) & (green > 20)])
    assert green[truth == DISC].mean() > 1.3 * around
    assert green[truth == CUP].mean() > green[truth == DISC].mean()
    assert green[truth == VEIN].mean() < green[truth == ARTERY].mean() < around
    assert not picture.pixels[:8, :8].any()


def test_red_stays_red() -> None:
    middle = generate_fundus(6, size=160).pixels[60:100, 20:60].reshape(-1, 3).mean(axis=0)
    assert middle[0] > 1.5 * middle[1] > 1.5 * middle[2]

"""Healthy slices from the half without a finding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inference.evaluation.cases import OutlinedCase
from inference.training.healthy_halves import mirror_healthy_half
from tests.inference.volumes import make_volume


def make_head(middle: float, tumour: int) -> OutlinedCase:
    """Return a head that is symmetric about a column but for a bright tumour that many columns to its right."""
    rows, columns = np.mgrid[:80, :96]
    offset = columns - middle
    head = 60.0 * ((rows - 40) ** 2 / 32**2 + offset**2 / 34**2 < 1) + 30.0 * (np.abs(offset) < 6) * (rows < 40)
    truth = ((rows - 45) ** 2 + (offset - tumour) ** 2 < 36).astype(np.uint8)[None]
    image = np.where(truth > 0, 150.0, head[None]).astype(np.float32)
    return OutlinedCase("head", make_volume(image), (), truth, False, {})


@pytest.mark.parametrize("middle", [47.0, 50.5, 44.0])
@pytest.mark.parametrize("tumour", [16, -16])
def test_the_tumour_is_gone_and_the_rest_is_as_it_was(middle: float, tumour: int) -> None:
    case = make_head(middle, tumour)
    healthy = mirror_healthy_half(case)
    assert healthy is not None
    assert healthy.truth.sum() == 0
    assert healthy.image.voxels.max() < 100
    expected = make_head(middle, 400).image.voxels
    assert np.mean(healthy.image.voxels == expected) > 0.99


def test_a_tumour_across_the_middle_or_an_image_without_symmetry_gives_nothing() -> None:
    assert mirror_healthy_half(make_head(47.0, 4)) is None
    case = make_head(47.0, 16)
    ramp = np.random.default_rng(1).normal(100, 30, case.image.voxels.shape).astype(np.float32)
    assert mirror_healthy_half(replace(case, image=make_volume(ramp))) is None
    assert mirror_healthy_half(replace(case, truth=np.zeros_like(case.truth))) is None

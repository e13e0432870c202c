"""Circumference and diameters of drawn ellipses, whose answers are known from geometry."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.integrate import quad

from studies.figures.figure import FigureCaution, FigureKind, UnknownReason
from studies.figures.head import fit_ellipse, measure_head

Mask = npt.NDArray[np.bool_]


def draw(
    semi_mm: tuple[float, float],
    pixel_mm: tuple[float, float],
    *,
    degrees: float = 0.0,
    shape: tuple[int, int] = (240, 320),
) -> Mask:
    """An ellipse about the middle of an image: pixels whose centre lies within."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    y = (rows - shape[0] / 2 + 0.3) * pixel_mm[0]
    x = (columns - shape[1] / 2 - 0.2) * pixel_mm[1]
    a = np.radians(degrees)
    along, across = x * np.cos(a) + y * np.sin(a), -x * np.sin(a) + y * np.cos(a)
    return (along / semi_mm[0]) ** 2 + (across / semi_mm[1]) ** 2 <= 1.0


def perimeter(a: float, b: float) -> float:
    """By numerical integration of the arc."""
    length, _ = quad(lambda t: np.hypot(a * np.sin(t), b * np.cos(t)), 0.0, 2.0 * np.pi)
    return float(length)


@pytest.mark.parametrize("degrees", [0.0, 17.0, 60.0, 90.0, 135.0])
@pytest.mark.parametrize("pixel_mm", [(0.5, 0.5), (0.4, 0.6)])
def test_an_ellipse_gives_its_own_perimeter_and_axes(degrees: float, pixel_mm: tuple[float, float]) -> None:
    mask = draw((44.0, 35.0), pixel_mm, degrees=degrees)
    circumference, biparietal, occipitofrontal = measure_head(mask[None], pixel_mm=pixel_mm, segment_number=1)
    assert circumference.kind is FigureKind.HEAD_CIRCUMFERENCE
    for figure, truth in (
        (circumference, perimeter(44.0, 35.0)),
        (biparietal, 70.0),
        (occipitofrontal, 88.0),
    ):
        assert figure.value == pytest.approx(truth, rel=0.003)
        assert figure.interval is not None
        assert figure.interval.holds(truth)
        assert figure.unit == "mm"
        assert figure.cautions == ()


def test_a_bumpy_outline_is_less_sure_and_said_to_be_no_ellipse() -> None:
    plain = draw((44.0, 35.0), (0.5, 0.5))
    cut = plain.copy()
    cut[:, 165:] = False
    sure, unsure = (measure_head(mask[None], pixel_mm=(0.5, 0.5), segment_number=1)[0] for mask in (plain, cut))
    assert FigureCaution.POOR_ELLIPSE in unsure.cautions
    assert sure.interval is not None
    assert unsure.interval is not None
    assert unsure.interval.high - unsure.interval.low > 2 * (sure.interval.high - sure.interval.low)


def test_crumbs_beside_the_head_change_nothing() -> None:
    mask = draw((44.0, 35.0), (0.5, 0.5))
    crumbs = mask.copy()
    crumbs[3:6, 3:6] = True
    assert fit_ellipse(crumbs, (0.5, 0.5)) == fit_ellipse(mask, (0.5, 0.5))


def test_of_several_images_the_one_with_the_largest_head_counts() -> None:
    masks = np.stack([draw((size, 0.8 * size), (0.5, 0.5)) for size in (30.0, 44.0, 38.0)])
    figures = measure_head(masks, pixel_mm=(0.5, 0.5), segment_number=2)
    assert {figure.frame_index for figure in figures} == {1}
    assert figures[2].value == pytest.approx(88.0, rel=0.003)


def test_without_a_pixel_size_nothing_is_guessed() -> None:
    figures = measure_head(draw((44.0, 35.0), (0.5, 0.5))[None], pixel_mm=None, segment_number=1)
    assert [(figure.value, figure.unknown) for figure in figures] == [(None, UnknownReason.NO_PIXEL_SIZE)] * 3


def test_no_head_no_figure_and_too_little_of_one_no_ellipse() -> None:
    assert measure_head(np.zeros((1, 20, 20), bool), pixel_mm=(1.0, 1.0), segment_number=1) == ()
    dot = np.zeros((1, 20, 20), bool)
    dot[0, 4, 4] = True
    assert measure_head(dot, pixel_mm=(1.0, 1.0), segment_number=1)[0].unknown is UnknownReason.NO_ELLIPSE


def test_a_head_cut_off_by_the_edge_is_said_to_be() -> None:
    mask = draw((44.0, 35.0), (0.5, 0.5), shape=(120, 320))
    assert FigureCaution.CUT_OFF in measure_head(mask[None], pixel_mm=(0.5, 0.5), segment_number=1)[0].cautions

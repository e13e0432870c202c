"""Ejection fraction of stacks of discs and of a beating half ellipsoid, whose volumes are known from geometry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from studies.figures.figure import Figure, FigureCaution, FigureKind, UnknownReason
from studies.figures.phases import CineFrame, PhaseGrid, arrange_phases
from studies.figures.ventricle import find_disc_heights, measure_ventricle

SIDE, PIXEL_MM = 128, (1.25, 1.25)
Masks = npt.NDArray[np.bool_]


def discs(radii_mm: npt.NDArray[np.float64]) -> Masks:
    """A disc of each radius in an image of its own."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(float)
    square = ((rows - SIDE / 2 + 0.3) * PIXEL_MM[0]) ** 2 + ((columns - SIDE / 2 - 0.4) * PIXEL_MM[1]) ** 2
    return np.stack(
        [square <= radius**2 if radius > 0 else np.zeros(square.shape, bool) for radius in radii_mm.ravel()]
    )


def series(phases: int, places_mm: npt.NDArray[np.float64], *, has_times: bool = True) -> list[CineFrame]:
    """Phase by phase, the places of each in order; the heart beats a little faster from place to place."""
    return [
        CineFrame(float(place), (30.0 + place) * phase if has_times else None, phase * len(places_mm) + number)
        for phase in range(phases)
        for number, place in enumerate(places_mm)
    ]


def arrange(frames: list[CineFrame]) -> PhaseGrid:
    grid = arrange_phases(frames)
    assert isinstance(grid, PhaseGrid)
    return grid


def by_kind(figures: tuple[Figure, ...]) -> dict[FigureKind, Figure]:
    return {figure.kind: figure for figure in figures}


def half_ellipsoid_radii(a: float, length: float, places_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Radii of sections of a half ellipsoid whose base lies at place 0 and whose apex at `length`."""
    return a * np.sqrt(np.clip(1.0 - (places_mm / length) ** 2, 0.0, None))


def test_discs_of_known_radius_give_their_exact_volumes_gaps_included() -> None:
    places = 10.0 * np.arange(8)  # slices 8 mm thick with gaps of 2 mm: 10 from centre to centre
    radii = np.array([np.full(8, 25.0), np.full(8, 22.0), np.full(8, 18.0), np.full(8, 21.0)])
    figures = by_kind(measure_ventricle(discs(radii), arrange(series(4, places)), pixel_mm=PIXEL_MM, segment_number=1))
    large, small = np.pi * 25.0**2 * 80.0 / 1000.0, np.pi * 18.0**2 * 80.0 / 1000.0
    diastole, systole = figures[FigureKind.END_DIASTOLIC_VOLUME], figures[FigureKind.END_SYSTOLIC_VOLUME]
    fraction, stroke = figures[FigureKind.EJECTION_FRACTION], figures[FigureKind.STROKE_VOLUME]
    assert (diastole.phase, systole.phase, diastole.phase_count, diastole.slice_count) == (1, 3, 4, 8)
    assert diastole.value == pytest.approx(large, rel=0.005)
    assert systole.value == pytest.approx(small, rel=0.005)
    assert stroke.value == pytest.approx(large - small, rel=0.01)
    assert fraction.value == pytest.approx(100.0 * (1.0 - small / large), abs=0.5)
    assert (fraction.unit, fraction.cautions) == ("%", ())
    for figure, truth in ((diastole, large), (systole, small), (fraction, 100.0 * (1.0 - small / large))):
        assert figure.interval is not None
        assert figure.interval.holds(truth)


@pytest.mark.parametrize("seed", range(6))
def test_a_beating_half_ellipsoid_lies_within_its_intervals(seed: int) -> None:
    """Sampled every 8 mm wherever the stack happens to begin: the truth is 2/3 pi a^2 L, its fraction 1 - ratio."""
    places = np.random.default_rng(seed).uniform(0.0, 8.0) + 8.0 * np.arange(-2, 14)
    semi, length = np.array([28.0, 25.0, 20.0, 23.0]), np.array([90.0, 86.0, 78.0, 84.0])
    radii = np.stack(
        [np.where(places >= 0, half_ellipsoid_radii(a, b, places), 0.0) for a, b in zip(semi, length, strict=True)]
    )
    figures = by_kind(measure_ventricle(discs(radii), arrange(series(4, places)), pixel_mm=PIXEL_MM, segment_number=1))
    volumes = 2.0 / 3.0 * np.pi * semi**2 * length / 1000.0
    truth = 100.0 * (1.0 - volumes[2] / volumes[0])
    fraction = figures[FigureKind.EJECTION_FRACTION]
    assert fraction.value == pytest.approx(truth, abs=3.0)
    assert fraction.interval is not None
    assert fraction.interval.holds(truth)
    assert figures[FigureKind.END_DIASTOLIC_VOLUME].value == pytest.approx(volumes[0], rel=0.06)


def test_uneven_slices_count_by_half_of_either_distance_and_are_said() -> None:
    places = np.array([0.0, 10.0, 30.0, 40.0, 50.0, 60.0])
    np.testing.assert_allclose(find_disc_heights(places), [10.0, 15.0, 15.0, 10.0, 10.0, 10.0])
    radii = np.array([np.full(6, 25.0), np.full(6, 18.0)])
    figures = by_kind(measure_ventricle(discs(radii), arrange(series(2, places)), pixel_mm=PIXEL_MM, segment_number=1))
    diastole = figures[FigureKind.END_DIASTOLIC_VOLUME]
    assert diastole.value == pytest.approx(np.pi * 25.0**2 * 70.0 / 1000.0, rel=0.005)
    assert diastole.cautions == (FigureCaution.UNEVEN_SLICES,)


def test_without_a_pixel_size_the_fraction_is_known_and_the_volumes_are_not() -> None:
    places = 10.0 * np.arange(8)
    masks = discs(np.array([np.full(8, 25.0), np.full(8, 18.0)]))
    figures = by_kind(measure_ventricle(masks, arrange(series(2, places)), pixel_mm=None, segment_number=1))
    assert figures[FigureKind.END_DIASTOLIC_VOLUME].unknown is UnknownReason.NO_PIXEL_SIZE
    fraction = figures[FigureKind.EJECTION_FRACTION]
    assert fraction.value == pytest.approx(100.0 * (1.0 - 18.0**2 / 25.0**2), abs=0.5)
    assert fraction.interval is None


def test_a_phase_that_was_hardly_outlined_is_no_end_of_systole() -> None:
    places = 10.0 * np.arange(8)
    radii = np.array([np.full(8, 25.0), np.full(8, 18.0), np.where(np.arange(8) == 4, 20.0, 0.0)])
    figures = by_kind(measure_ventricle(discs(radii), arrange(series(3, places)), pixel_mm=PIXEL_MM, segment_number=1))
    assert figures[FigureKind.END_SYSTOLIC_VOLUME].phase == 2


def test_one_outlined_phase_alone_gives_no_fraction() -> None:
    places = 10.0 * np.arange(8)
    radii = np.array([np.full(8, 25.0), np.zeros(8)])
    figures = measure_ventricle(discs(radii), arrange(series(2, places)), pixel_mm=PIXEL_MM, segment_number=1)
    assert {figure.unknown for figure in figures} == {UnknownReason.ONE_PHASE_OUTLINED}


def test_phases_are_found_in_whatever_order_images_come() -> None:
    places = 8.0 * np.arange(5)
    frames = series(6, places)
    mixed = np.random.default_rng(3).permutation(len(frames))
    grid = arrange([frames[index] for index in mixed])
    np.testing.assert_array_equal(mixed[grid.frames], np.arange(30).reshape(6, 5))
    assert not grid.is_by_number


def test_without_times_images_are_ordered_by_their_numbers_and_that_is_said() -> None:
    places = 8.0 * np.arange(5)
    grid = arrange(series(4, places, has_times=False))
    np.testing.assert_array_equal(grid.frames, np.arange(20).reshape(4, 5))
    assert grid.is_by_number
    figures = measure_ventricle(
        discs(np.repeat([25.0, 22.0, 18.0, 21.0], 5)), grid, pixel_mm=PIXEL_MM, segment_number=1
    )
    assert figures[0].cautions == (FigureCaution.ORDER_BY_NUMBER,)


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([], UnknownReason.NO_PLACES),
        ([replace(frame, place_mm=None) for frame in series(2, 8.0 * np.arange(3))], UnknownReason.NO_PLACES),
        (series(1, 8.0 * np.arange(3)), UnknownReason.ONE_PHASE),
        (series(4, 8.0 * np.arange(1)), UnknownReason.ONE_PLACE),
        (series(4, 8.0 * np.arange(3))[:-1], UnknownReason.PHASES_DIFFER),
    ],
)
def test_what_cannot_be_arranged_has_a_reason(frames: list[CineFrame], reason: UnknownReason) -> None:
    assert arrange_phases(frames) is reason
    unknown = measure_ventricle(np.zeros((1, 4, 4), bool), reason, pixel_mm=PIXEL_MM, segment_number=1)
    assert {figure.unknown for figure in unknown} == {reason}
    assert all(figure.value is None for figure in unknown)

"""Are the intervals and probabilities of change calibrated? Simulated test-retest with known truth."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import numpy as np

from segweb.reliability_plot import Decile, draw_reliability
from studies.tracking.change import find_change
from studies.tracking.criteria.inputs import DiameterCourse, TargetLesion, TargetObservation, Timepoint
from studies.tracking.criteria.recist import assess_recist
from studies.tracking.criteria.verdict import Response
from studies.tracking.measurement import LesionMeasurement
from studies.tracking.measurement_error import Measured, RatioError, add_up, find_ratio_error
from studies.tracking.repeatability import Quantity, Readers, find_limit
from studies.tracking.response_probability import ErrorSettings, find_correlation, recist_probability
from studies.tracking.retest_simulation import (
    BetweenVoxelsError,
    Ellipsoid,
    draw_ellipsoid,
    draw_pair,
    draw_spacing,
    scan,
)

DESCRIPTION = "coverage of 95 % intervals of change, and reliability of P(growth) and P(PD)"
TARGET_COVERAGE = (0.93, 0.97)
DAYS = (0, 56, 112)
MOST_GROWTH = 2.0
LENGTH = Quantity.LONGEST_DIAMETER
POPULATIONS = {"lively": 0.4, "stable": 0.12}
CASES = (
    ("diameter, one reader", LENGTH, Readers.ONE, 1),
    ("diameter, two readers", LENGTH, Readers.TWO, 1),
    ("sum of three, two readers", Quantity.SUM_OF_DIAMETERS, Readers.TWO, 1),
    ("lung nodule volume", Quantity.LUNG_NODULE_VOLUME, Readers.TWO, 3),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the sizes, the seed and where to draw."""
    parser.add_argument("--pairs", type=int, default=1500, help="of dates, for each quantity")
    parser.add_argument("--patients", type=int, default=600, help="of three dates, for P(PD)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--plot", type=Path, default=None, help="SVG file for the reliability plot")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Simulate, compare with the truth, and draw."""
    started = time.perf_counter()
    random = np.random.default_rng(options.seed)
    geometry: dict[str, object] = {}
    growth: list[tuple[float, bool]] = []
    for name, quantity, readers, dimension in CASES:
        figures, forecasts = _coverage(random, options.pairs, quantity, readers, dimension)
        geometry[name] = figures
        growth += forecasts
    formula = {name: _formula_coverage(random, quantity, readers) for name, quantity, readers, _ in CASES}
    progression = {name: _forecast_patients(random, spread, options.patients) for name, spread in POPULATIONS.items()}
    panels = [
        ("P(growth is real)", _deciles(growth)),
        *((f"P(PD), {name}", _deciles(forecasts)) for name, forecasts in progression.items()),
    ]
    if options.plot is not None:
        options.plot.write_text(draw_reliability(panels))
    return {
        "target_coverage": TARGET_COVERAGE,
        "coverage_from_geometry": geometry,
        "coverage_of_the_formula_by_itself": formula,
        "growth": _reliability(growth, panels[0][1]),
        "progression": {name: _reliability(forecasts, _deciles(forecasts)) for name, forecasts in progression.items()},
        "plot": None if options.plot is None else str(options.plot),
        "seed": options.seed,
        "seconds": round(time.perf_counter() - started, 1),
        "note": "Geometry: ellipsoids voxelised on a grid shifted and turned at random on each date, read with "
        "differences that are normal in percent as the literature's limits were made; true growth even on the "
        "logarithm from half to double. The formula by itself draws errors from the model under test and says only "
        "that the arithmetic is right. P(PD): three dates, one to five lesions, truth judged by the same criterion on "
        "the true diameters. The steps of both populations are walks, as the model assumes; how large they are "
        "the model is not told.",
    }


def _coverage(
    random: np.random.Generator, pairs: int, quantity: Quantity, readers: Readers, dimension: int
) -> tuple[dict[str, object], list[tuple[float, bool]]]:
    held, below, forecasts, slices = [], 0, [], []
    for _ in range(pairs):
        spacing, growth = draw_spacing(random), _draw_growth(random)
        if quantity is Quantity.SUM_OF_DIAMETERS:
            old, new = _read_sum(random, spacing, growth)
        else:
            old, new = _read_lesion(random, spacing, growth, quantity, readers, dimension)
        change = find_change(quantity, old, new, readers=readers)
        if change.interval is None or change.growth_probability is None:
            raise ValueError(f"{quantity} has no limits: {change.unknown_because}")
        true_percent = (growth**dimension - 1.0) * 100.0
        high = change.interval.high_percent
        held.append(change.interval.low_percent <= true_percent and (high is None or true_percent <= high))
        slices.append(spacing[0])
        below += true_percent < change.interval.low_percent
        forecasts.append((change.growth_probability, growth > 1.0))
    return {
        "n": pairs,
        "coverage": round(float(np.mean(held)), 4),
        "coverage_by_slice_mm": {
            size: round(float(np.mean([each for each, mine in zip(held, slices, strict=True) if mine == size])), 4)
            for size in sorted(set(slices))
        },
        "truth_below": round(below / pairs, 4),
        "truth_above": round(1.0 - float(np.mean(held)) - below / pairs, 4),
    }, forecasts


def _draw_growth(random: np.random.Generator) -> float:
    return float(MOST_GROWTH ** random.uniform(-1.0, 1.0))


def _read_lesion(
    random: np.random.Generator,
    spacing: tuple[float, float, float],
    growth: float,
    quantity: Quantity,
    readers: Readers,
    dimension: int,
) -> tuple[Measured, Measured]:
    limit = find_limit(quantity, readers=readers)
    if limit is None:
        raise ValueError(f"No limit is known for {quantity}.")
    body, factors = draw_ellipsoid(random), draw_pair(random, limit, dimension)
    bodies = body.scaled(factors[0]), body.scaled(growth * factors[1])
    old, new = (_measured(scan(random, each, spacing), dimension) for each in bodies)
    return old, new


def _measured(found: LesionMeasurement, dimension: int) -> Measured:
    quantity = found.volume if dimension == 3 else found.longest_diameter
    return Measured.of(quantity.value, (quantity.interval.low, quantity.interval.high))


def _read_sum(
    random: np.random.Generator, spacing: tuple[float, float, float], growth: float
) -> tuple[Measured, Measured]:
    """Read a sum of three: its readings differ as the literature says of sums, by one habit for all three."""
    limit = find_limit(Quantity.SUM_OF_DIAMETERS, readers=Readers.TWO)
    if limit is None:
        raise ValueError("No limit is known for sums.")
    habit = draw_pair(random, limit)
    bodies = [draw_ellipsoid(random) for _ in range(3)]
    old = add_up(_measured(scan(random, body.scaled(habit[0]), spacing), 1) for body in bodies)
    new = add_up(_measured(scan(random, body.scaled(growth * habit[1]), spacing), 1) for body in bodies)
    return old, new


def _formula_coverage(random: np.random.Generator, quantity: Quantity, readers: Readers, n: int = 50_000) -> float:
    """Return the coverage where errors come from the model itself: 95 % if its arithmetic is right."""
    error = find_ratio_error(quantity, readers=readers)
    if not isinstance(error, RatioError):
        raise ValueError(error.reason)
    drawn = random.normal(size=n)
    errors = np.where(drawn < 0, drawn * error.down, drawn * error.up) / 1.959964
    return round(float(np.mean((errors >= -error.down) & (errors <= error.up))), 4)


def _forecast_patients(random: np.random.Generator, spread: float, count: int) -> list[tuple[float, bool]]:
    """Return one forecast for each patient; one with a lesion that shrinks between the voxels is drawn again."""
    forecasts: list[tuple[float, bool]] = []
    while len(forecasts) < count:
        with suppress(BetweenVoxelsError):
            forecasts.append(_forecast_progression(random, spread))
    return forecasts


def _forecast_progression(random: np.random.Generator, spread: float) -> tuple[float, bool]:
    """Return P(PD) from what was read, and whether the true diameters are progression.

    The logarithm of growth from date to date has this standard deviation for the patient, and half of it for each
    lesion besides.
    """
    count, spacing = int(random.integers(1, 6)), draw_spacing(random)
    trend = random.normal(0.0, spread, len(DAYS) - 1)
    bodies = [draw_ellipsoid(random) for _ in range(count)]
    paths = [np.exp(np.concatenate([[0.0], np.cumsum(trend + random.normal(0.0, spread / 2.0, 2))])) for _ in bodies]
    true = [
        [body.longest_mm * float(path[date]) for body, path in zip(bodies, paths, strict=True)] for date in range(3)
    ]
    read, grids = _read_dates(random, bodies, paths, spacing)
    settings = ErrorSettings(readers=Readers.TWO, grids=grids)
    forecast = recist_probability(_course(read), errors=settings, draws=1000).of(Response.PD)
    if forecast is None:
        raise ValueError("Measured targets have a probability.")
    return forecast, assess_recist(_course(true)).latest.overall_response is Response.PD


def _read_dates(
    random: np.random.Generator,
    bodies: Sequence[Ellipsoid],
    paths: Sequence[np.ndarray],
    spacing: tuple[float, float, float],
) -> tuple[list[list[float]], dict[tuple[str, int], tuple[float, float | None]]]:
    """Read every lesion on every date: a habit of that date and an error of its own."""
    quantity = LENGTH if len(bodies) > 1 else Quantity.SINGLE_LESION_BURDEN
    error = find_ratio_error(quantity, readers=Readers.TWO)
    if not isinstance(error, RatioError):
        raise ValueError(error.reason)
    shared = find_correlation(len(bodies), Readers.TWO)
    rows: list[list[float]] = []
    grids: dict[tuple[str, int], tuple[float, float | None]] = {}
    for date, day in enumerate(DAYS):
        habit, own = random.normal(), random.normal(size=len(bodies))
        noise = error.one_date_deviation * (np.sqrt(shared) * habit + np.sqrt(1.0 - shared) * own)
        found = [
            scan(random, body.scaled(float(path[date] * np.exp(slip))), spacing).longest_diameter
            for body, path, slip in zip(bodies, paths, noise, strict=True)
        ]
        rows.append([each.value for each in found])
        grids |= {(f"T{n}", day): (each.interval.low, each.interval.high) for n, each in enumerate(found)}
    return rows, grids


def _course(rows: Sequence[Sequence[float]]) -> DiameterCourse:
    return DiameterCourse(
        tuple(TargetLesion(f"T{n}", f"organ {n}") for n in range(len(rows[0]))),
        tuple(
            Timepoint(
                day,
                tuple(
                    TargetObservation(f"T{n}", longest_diameter_mm=Decimal(str(round(value, 1))))
                    for n, value in enumerate(row)
                ),
            )
            for day, row in zip(DAYS, rows, strict=True)
        ),
    )


def _deciles(forecasts: Sequence[tuple[float, bool]]) -> list[Decile]:
    groups: dict[int, list[tuple[float, bool]]] = {}
    for forecast in forecasts:
        groups.setdefault(min(9, int(forecast[0] * 10)), []).append(forecast)
    return [
        Decile(len(group), float(np.mean([p for p, _ in group])), float(np.mean([came for _, came in group])))
        for _, group in sorted(groups.items())
    ]


def _reliability(forecasts: Sequence[tuple[float, bool]], deciles: Sequence[Decile]) -> dict[str, object]:
    predicted, came = np.array([p for p, _ in forecasts]), np.array([c for _, c in forecasts], dtype=float)
    gap = sum(each.count * abs(each.predicted - each.observed) for each in deciles) / len(forecasts)
    return {
        "n": len(forecasts),
        "base_rate": round(float(came.mean()), 4),
        "brier_score": round(float(((predicted - came) ** 2).mean()), 4),
        "expected_calibration_error": round(gap, 4),
        "deciles": [
            {"n": each.count, "predicted": round(each.predicted, 3), "observed": round(each.observed, 3)}
            for each in deciles
        ],
    }

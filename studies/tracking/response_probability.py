"""How probable each response category is, given how far the measurements repeat.

Every measured value of every date is drawn anew around what was recorded, and the real criterion judges each course so
made. States are kept: what is gone, too small, merged or not evaluable stays so, and so do non-targets, new lesions and
the patient's state, which are judgements and no measurements.

The error of one lesion on one date is normal on the logarithm, from the literature's limits for a pair
(`measurement_error`) and that date's voxel grid, squares added. One reader measures all lesions of a date with
one habit, so their errors are correlated: the share in common is chosen so that the sum of that many equal lesions
repeats as well as the literature says of sums. It can be given instead.

The errors are drawn in the light of how much the same patient's lesions change over all dates (`true_change`):
drawn without it, they say progression too often where lesions hardly change, above all against the smallest of several
noisy sums. `manage.py bench calibration` shows how well both ends come out.

The Monte Carlo error told is the largest standard error of a probability: at most 0.5 % with 10,000 draws, at most 1 %
with 2,500. The same seed gives the same answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import hypot, inf, sqrt

import numpy as np
import numpy.typing as npt

from studies.tracking.change import NODES_IN_SUM, quantity_of_sum
from studies.tracking.criteria.brain_inputs import BrainCourse, BrainTimepoint, MeasurementMode
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.diameter_course import unequivocal_new_lesions
from studies.tracking.criteria.inputs import DiameterCourse, LesionKind, TargetObservation, TargetState, Timepoint
from studies.tracking.criteria.non_targets import gather_non_targets
from studies.tracking.criteria.sum_of_diameters import NORMAL_NODE_MM
from studies.tracking.criteria.verdict import CourseVerdict, Response
from studies.tracking.intervals import Z_95
from studies.tracking.measurement_error import Measured, RatioError, UnknownError, find_ratio_error
from studies.tracking.repeatability import Quantity, Readers, RepeatabilityLimit
from studies.tracking.selection_frames import count_course, sweep_limits
from studies.tracking.selection_sweep import RESPONSES, Frame, sweep
from studies.tracking.true_change import draw_errors

DRAWS = 10_000
ENGINE_DRAWS = 2_500
"""Where the engine judges each course on its own, which takes about a second for a thousand."""
SEED = 20260101
UNITS_PER_MM = 1000
Factors = npt.NDArray[np.float64]
Grids = Mapping[tuple[str, int], tuple[float, float | None]]
"""The grid's 95 % interval in mm by (lesion, days from baseline)."""


@dataclass(frozen=True, slots=True)
class ErrorSettings:
    """What the errors are drawn from.

    Attributes
    ----------
    readers
        Whether one person measured all dates; two unless it is known.
    limit
        A site's own row instead of the literature's.
    correlation
        Share of an error's variance that all lesions of a date have in common, 0 to 1; None chooses it.
    grids
        Empty where the voxel grid is not known.
    """

    readers: Readers = Readers.TWO
    limit: RepeatabilityLimit | None = None
    correlation: float | None = None
    grids: Grids = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResponseProbability:
    """How probable each response is at the latest timepoint.

    Attributes
    ----------
    probabilities
        Most probable first; empty where unknown.
    monte_carlo_error
        Largest standard error of a probability; None where unknown.
    basis
        What the errors rest on, with its citation.
    unknown_because
        A sentence where there are no probabilities, else empty.
    """

    probabilities: tuple[tuple[Response, float], ...]
    draws: int
    seed: int
    monte_carlo_error: float | None
    basis: str
    unknown_because: str = ""

    def of(self, response: Response) -> float | None:
        """Return the probability of one response; None where unknown."""
        return dict(self.probabilities).get(response, 0.0) if self.probabilities else None


@dataclass(frozen=True, slots=True)
class _Model:
    """What was measured, standard deviations of its logarithm, and what they rest on.

    ``sizes`` and ``deviations`` have the shape (timepoints, lesions); a size that was not measured is not a number.
    """

    sizes: Factors
    deviations: Factors
    correlation: float
    days: Factors
    basis: str

    def draw(self, draws: int, seed: int) -> Factors:
        """Return by what factors the true sizes differ from the measured ones, shape (draws, timepoints, lesions)."""
        random, sizes = np.random.default_rng(seed), np.log(self.sizes)
        found = draw_errors(sizes, self.deviations, self.correlation, self.days, draws=draws, random=random)
        factors: Factors = np.exp(-found)
        return factors


def recist_probability(
    course: DiameterCourse,
    configuration: CriteriaConfiguration | None = None,
    *,
    errors: ErrorSettings | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> ResponseProbability:
    """Return the probabilities by RECIST 1.1: all draws in one sweep, by the rules of `criteria.recist`."""
    model = _model_of(course, errors or ErrorSettings())
    if isinstance(model, UnknownError):
        return _unknown(model, seed)
    values = configuration or CriteriaConfiguration()
    frames = _frames(course, values, model.draw(draws, seed))
    codes = sweep(frames, sweep_limits(UNITS_PER_MM), values)[-1]
    return _tell(Counter(RESPONSES[code] for code in codes.tolist()), seed, model)


def diameter_probability(
    course: DiameterCourse,
    assess: Callable[[DiameterCourse], CourseVerdict],
    *,
    errors: ErrorSettings | None = None,
    draws: int = ENGINE_DRAWS,
    seed: int = SEED,
) -> ResponseProbability:
    """Return the probabilities by any criterion on diameters."""
    model = _model_of(course, errors or ErrorSettings())
    if isinstance(model, UnknownError):
        return _unknown(model, seed)
    drawn = (assess(each) for each in draw_courses(course, model.draw(draws, seed)))
    return _tell(Counter(verdict.latest.overall_response for verdict in drawn), seed, model)


def brain_probability(
    course: BrainCourse,
    assess: Callable[[BrainCourse], CourseVerdict],
    *,
    limit: RepeatabilityLimit | None = None,
    correlation: float = 0.0,
    draws: int = ENGINE_DRAWS,
    seed: int = SEED,
) -> ResponseProbability:
    """Return the probabilities by a RANO criterion, on products or on volume.

    The literature read for this work has no 95 % limit for either in the brain: without a site's own ``limit`` the
    answer is unknown.
    """
    model = _brain_model(course, limit, correlation)
    if isinstance(model, UnknownError):
        return _unknown(model, seed)
    drawn = (assess(_brain_course(course, factors)) for factors in model.draw(draws, seed))
    return _tell(Counter(verdict.latest.overall_response for verdict in drawn), seed, model)


def draw_courses(course: DiameterCourse, factors: Factors) -> Iterator[DiameterCourse]:
    """Yield one course for each row of factors, shape (draws, timepoints, lesions); recorded to a micrometre."""
    places = {target.lesion_id: place for place, target in enumerate(course.targets)}
    for row in factors:
        yield replace(
            course,
            timepoints=tuple(
                replace(
                    timepoint,
                    targets=tuple(_scaled(seen, float(at_date[places[seen.lesion_id]])) for seen in timepoint.targets),
                )
                for timepoint, at_date in zip(course.timepoints, row, strict=True)
            ),
        )


def _scaled(seen: TargetObservation, factor: float) -> TargetObservation:
    if seen.state is not TargetState.MEASURED:
        return seen
    return replace(
        seen,
        longest_diameter_mm=_times(seen.longest_diameter_mm, factor),
        short_axis_mm=_times(seen.short_axis_mm, factor),
        fragment_diameters_mm=tuple(_drawn(value, factor) for value in seen.fragment_diameters_mm),
    )


def _times(value: Decimal | None, factor: float) -> Decimal | None:
    return None if value is None else _drawn(value, factor)


def _drawn(value: Decimal, factor: float) -> Decimal:
    return Decimal(_units(value, factor)) / UNITS_PER_MM


def _units(value: Decimal, factor: float) -> int:
    """Return a drawn length in whole units; what was measured never becomes nothing."""
    return max(round(float(value) * factor * UNITS_PER_MM), int(value > 0))


def _model_of(course: DiameterCourse, settings: ErrorSettings) -> _Model | UnknownError:
    if len(course.timepoints) < 2:
        return UnknownError("Unknown, because there is one timepoint only.")
    if not any(seen.state is TargetState.MEASURED for seen in course.timepoints[-1].targets):
        return UnknownError("Unknown, because the latest response rests on what a reader said and on no measurement.")
    nodes = [target.kind for target in course.targets].count(LesionKind.NODE)
    quantity = Quantity.LONGEST_DIAMETER
    if nodes == len(course.targets) or (len(course.targets) == 1 and settings.readers is Readers.TWO):
        quantity = quantity_of_sum(len(course.targets), node_count=nodes)
    error = find_ratio_error(quantity, readers=settings.readers, limit=settings.limit)
    if isinstance(error, UnknownError):
        return error
    correlation = settings.correlation
    if correlation is None:
        correlation = 0.0 if settings.limit else find_correlation(len(course.targets), settings.readers)
    deviations, wider, open_ends = _deviations(course, error, settings.grids)
    basis = _basis(course, error, correlation, wider, open_ends)
    days = np.array([timepoint.days_from_baseline for timepoint in course.timepoints], dtype=np.float64)
    return _Model(_sizes(course), deviations, correlation, days, basis)


def _sizes(course: DiameterCourse) -> Factors:
    """Return what was measured: lesions that are gone or too small have a value by rule, which repeats exactly."""
    values = count_course(course, CriteriaConfiguration())
    sizes = np.full((len(course.timepoints), len(course.targets)), np.nan)
    for date, timepoint in enumerate(course.timepoints):
        measured = {seen.lesion_id for seen in timepoint.targets if seen.state is TargetState.MEASURED}
        for place, (target, value) in enumerate(zip(course.targets, values[date], strict=True)):
            if value and target.lesion_id in measured:
                sizes[date, place] = float(value)
    return sizes


def find_correlation(lesion_count: int, readers: Readers) -> float:
    """Return the share of variance in common that makes a sum of equal lesions repeat as the literature says."""
    lesion = find_ratio_error(Quantity.LONGEST_DIAMETER, readers=readers)
    whole = find_ratio_error(Quantity.SUM_OF_DIAMETERS, readers=readers)
    if lesion_count < 2 or isinstance(lesion, UnknownError) or isinstance(whole, UnknownError):
        return 0.0
    share = (whole.one_date_deviation / lesion.one_date_deviation) ** 2
    return min(1.0, max(0.0, (share - 1.0 / lesion_count) / (1.0 - 1.0 / lesion_count)))


def _deviations(course: DiameterCourse, error: RatioError, grids: Grids) -> tuple[Factors, int, int]:
    """Return the deviations, how many the grid widened, and how many grids have no upper end."""
    found = np.full((len(course.timepoints), len(course.targets)), error.one_date_deviation)
    values = count_course(course, CriteriaConfiguration())
    wider = open_ends = 0
    for date, timepoint in enumerate(course.timepoints):
        for place, target in enumerate(course.targets):
            interval = grids.get((target.lesion_id, timepoint.days_from_baseline))
            value = values[date][place]
            if interval is None or not value:
                continue
            measured = Measured.of(value, interval)
            down, up = measured.log_down, measured.log_up
            if down is None or up is None or down == inf:
                open_ends += 1
            else:
                found[date, place] = hypot(found[date, place], (down + up) / 2.0 / Z_95)
                wider += 1
    return found, wider, open_ends


def _basis(course: DiameterCourse, error: RatioError, correlation: float, wider: int, open_ends: int) -> str:
    parts = [f"Error of each lesion on each date: {error.basis}"]
    parts += [f"the voxel grid added to {wider} of them"] if wider else []
    parts += [f"{open_ends} with a grid open at an end, for which the limits stand alone"] if open_ends else []
    if len(course.targets) > 1:
        parts.append(f"lesions of one date share {correlation:.0%} of the variance")
    if any(target.kind is LesionKind.NODE for target in course.targets):
        parts.append(NODES_IN_SUM)
    parts.append("how much the true sizes change from date to date is judged by all dates of this patient")
    return "; ".join(parts) + "."


def _frames(course: DiameterCourse, values: CriteriaConfiguration, factors: Factors) -> list[Frame]:
    """Return the frames of all draws."""
    counted = count_course(course, values)
    normal = np.array([int(NORMAL_NODE_MM * UNITS_PER_MM) if t.kind is LesionKind.NODE else 1 for t in course.targets])
    return [_frame(course, date, counted[date], factors[:, date], normal) for date in range(len(course.timepoints))]


def _frame(
    course: DiameterCourse, date: int, row: Sequence[Decimal | None], factors: Factors, normal: npt.NDArray[np.int64]
) -> Frame:
    timepoint, draws = course.timepoints[date], len(factors)
    lengths = _draw_lengths(course, timepoint, row, factors)
    is_missing = np.array([value is None for value in row])
    facts = gather_non_targets(timepoint, course.baseline)

    def always(flag: bool) -> npt.NDArray[np.bool_]:
        return np.full(draws, flag)

    return Frame(
        day=timepoint.days_from_baseline,
        sums=lengths.sum(axis=1),
        is_missing=always(bool(is_missing.any())),
        has_evaluated=always(not is_missing.all()),
        has_disease=((lengths >= normal) & ~is_missing).any(axis=1),
        has_non_targets=always(bool(facts.baseline_ids)),
        is_non_target_missing=always(bool(facts.missing_ids)),
        has_non_target_disease=always(bool(facts.remaining_ids)),
        is_non_target_progressing=bool(facts.progressed_ids),
        is_marker_normal=facts.is_marker_normal,
        has_new_lesion=bool(unequivocal_new_lesions(timepoint)),
    )


def _draw_lengths(
    course: DiameterCourse, timepoint: Timepoint, row: Sequence[Decimal | None], factors: Factors
) -> npt.NDArray[np.int64]:
    """Return lengths in units, shape (draws, lesions); 0 where not evaluated. Fragments are drawn one by one."""
    seen = {each.lesion_id: each for each in timepoint.targets}
    lengths = np.zeros(factors.shape, dtype=np.int64)
    for place, (target, value) in enumerate(zip(course.targets, row, strict=True)):
        found = seen.get(target.lesion_id)
        if found is None or value is None:
            continue
        if found.state is not TargetState.MEASURED:
            lengths[:, place] = int(value * UNITS_PER_MM)
            continue
        for part in found.fragment_diameters_mm or (value,):
            drawn = np.rint(float(part) * factors[:, place] * UNITS_PER_MM).astype(np.int64)
            lengths[:, place] += np.maximum(drawn, int(part > 0))
    return lengths


def _brain_model(course: BrainCourse, limit: RepeatabilityLimit | None, correlation: float) -> _Model | UnknownError:
    if len(course.timepoints) < 2 or course.timepoints[-1].burden(course.mode) is None:
        return UnknownError("Unknown, because there is no measurement to compare with the baseline.")
    quantity = "volumes" if course.mode is MeasurementMode.VOLUME_3D else "products of diameters"
    if limit is None:
        return UnknownError(
            f"Unknown, because no repeatability figure is known for {quantity} in the brain. A site's own limit can be "
            "given."
        )
    error = find_ratio_error(limit.quantity, limit=limit)
    if isinstance(error, UnknownError):
        return error
    width = max(len(t.products_mm2 or ()) for t in course.timepoints) if quantity != "volumes" else 1
    sizes = np.full((len(course.timepoints), max(1, width)), np.nan)
    for date, timepoint in enumerate(course.timepoints):
        parts = (timepoint.volume_ml,) if quantity == "volumes" else timepoint.products_mm2 or ()
        for place, part in enumerate(parts):
            sizes[date, place] = float(part) if part else np.nan
    deviations = np.full(sizes.shape, error.one_date_deviation)
    basis = (
        f"Error of each measurement on each date: {error.basis}; how much the true sizes change from date to date is "
        "judged by all dates of this patient."
    )
    days = np.array([timepoint.days_from_baseline for timepoint in course.timepoints], dtype=np.float64)
    return _Model(sizes, deviations, correlation, days, basis)


def _brain_course(course: BrainCourse, factors: Factors) -> BrainCourse:
    return replace(
        course, timepoints=tuple(_brain_timepoint(t, row) for t, row in zip(course.timepoints, factors, strict=True))
    )


def _brain_timepoint(timepoint: BrainTimepoint, factors: Factors) -> BrainTimepoint:
    products = timepoint.products_mm2
    drawn = None if products is None else tuple(_drawn(p, float(f)) for p, f in zip(products, factors, strict=False))
    return replace(timepoint, products_mm2=drawn, volume_ml=_times(timepoint.volume_ml, float(factors[0])))


def _tell(counts: Counter[Response], seed: int, model: _Model) -> ResponseProbability:
    draws = counts.total()
    shares = {response: count / draws for response, count in counts.items()}
    ordered = tuple(sorted(shares.items(), key=lambda item: (-item[1], item[0])))
    error = max(sqrt(share * (1.0 - share) / draws) for share in shares.values())
    return ResponseProbability(ordered, draws, seed, error, model.basis)


def _unknown(error: UnknownError, seed: int) -> ResponseProbability:
    return ResponseProbability((), 0, seed, None, "", error.reason)

"""Volumetric response of a sum of lesion volumes: the RECIST thresholds carried over to a sphere. Exploratory.

No response criterion for solid tumours outside the brain is defined on volumes; the verdict says so. For a sphere, 0.7
of the diameter is 0.343 of the volume (-65.7 %) and 1.2 of it 1.728 (+72.8 %), exactly.

The response, in this order:

1. MEAS.GEOM: a timepoint without a volume is not evaluable.
2. MEAS.GEOM: volume 0 is a complete response.
3. MEAS.GEOM: at least 1.728 times the smallest earlier volume is progression.
4. MEAS.GEOM: at most 0.343 times the baseline volume is a partial response.
5. MEAS.GEOM: anything else is stable disease.

References: specification, section 5 (RECIST to volume); RANO has volumetric thresholds of its own (65 % and 40 %).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from studies.tracking.criteria.errors import MeasurementMissingError
from studies.tracking.criteria.exact import exact_or_none, is_at_least, is_at_most, percent_change, plain
from studies.tracking.criteria.inputs import check_days
from studies.tracking.criteria.rules import Rule, always, first_match
from studies.tracking.criteria.single_value_course import JudgedScan, SingleValueCriterion, build_course
from studies.tracking.criteria.verdict import Clause, CourseVerdict, Criterion, Numbers, Response

PARTIAL_SHARE = Fraction(7, 10) ** 3
PROGRESSION_SHARE = Fraction(12, 10) ** 3
_VOLUMETRIC = SingleValueCriterion(
    criterion=Criterion.VOLUMETRIC,
    ranking=(Response.CR, Response.PR, Response.SD),
    progression=Response.PD,
    rule_id="MEAS.GEOM",
    warnings=("Exploratory: no response criterion outside the brain is defined on volumes.",),
)
_BASELINE = Clause("MEAS.GEOM", "Baseline: later volumes are compared with this one.")


@dataclass(frozen=True, slots=True)
class VolumeTimepoint:
    """The summed volume of all followed lesions; None means that it was not evaluated."""

    days_from_baseline: int
    volume_ml: Decimal | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "volume_ml", exact_or_none(self.volume_ml, name="volume_ml"))


@dataclass(frozen=True, slots=True)
class _Facts:
    volume_ml: Decimal | None
    baseline_ml: Decimal
    nadir_ml: Decimal
    nadir_day: int

    @property
    def now(self) -> Decimal:
        return self.volume_ml or Decimal(0)

    @property
    def is_grown(self) -> bool:
        return self.now > self.nadir_ml and is_at_least(self.now, PROGRESSION_SHARE, self.nadir_ml)

    def said(self) -> str:
        return (
            f"the volume is {plain(self.now)} mL, {percent_change(self.now, self.baseline_ml)} from baseline "
            f"({plain(self.baseline_ml)} mL) and {percent_change(self.now, self.nadir_ml)} from the smallest before "
            f"({plain(self.nadir_ml)} mL on day {self.nadir_day})"
        )


RULES: tuple[Rule[_Facts], ...] = (
    Rule(
        "MEAS.GEOM",
        Response.NE,
        lambda f: f.volume_ml is None,
        lambda f: "Not evaluable, because no volume was measured.",
    ),
    Rule("MEAS.GEOM", Response.CR, lambda f: f.now == 0, lambda f: "No lesion volume is left."),
    Rule("MEAS.GEOM", Response.PD, lambda f: f.is_grown, lambda f: f"At least 72.8 % above the smallest: {f.said()}."),
    Rule(
        "MEAS.GEOM",
        Response.PR,
        lambda f: is_at_most(f.now, PARTIAL_SHARE, f.baseline_ml),
        lambda f: f"At least 65.7 % below baseline: {f.said()}.",
    ),
    Rule("MEAS.GEOM", Response.SD, always, lambda f: f"Neither response nor progression: {f.said()}."),
)


def assess_volumes(timepoints: tuple[VolumeTimepoint, ...]) -> CourseVerdict:
    """Judge a course of summed volumes by the sphere-equivalent RECIST thresholds."""
    check_days(t.days_from_baseline for t in timepoints)
    if not timepoints[0].volume_ml:
        raise MeasurementMissingError(
            "The baseline has no lesion volume. Measure it: there is nothing to compare with."
        )
    scans = [_judge(timepoints, index) for index in range(len(timepoints))]
    return build_course(_VOLUMETRIC, scans, baseline=_BASELINE)


def _judge(timepoints: tuple[VolumeTimepoint, ...], index: int) -> JudgedScan:
    now, earlier = timepoints[index], timepoints[:index] or timepoints[:1]
    measured = [(t.volume_ml, t.days_from_baseline) for t in earlier]
    nadir_ml, nadir_day = min((volume, day) for volume, day in measured if volume is not None)
    facts = _Facts(now.volume_ml, timepoints[0].volume_ml or Decimal(0), nadir_ml, nadir_day)
    return JudgedScan(
        day=now.days_from_baseline,
        finding=first_match(RULES, facts),
        numbers=Numbers(
            quantity="volume",
            unit="mL",
            value=now.volume_ml,
            baseline=facts.baseline_ml,
            baseline_day=0,
            nadir=nadir_ml,
            nadir_day=nadir_day,
        ),
    )

"""PERCIST 1.0: FDG-PET, by the SULpeak of the hottest lesion of each scan.

1. PC.HOT: the value of a scan is the SULpeak of its hottest lesion, not necessarily the same lesion as before.
2. PC.MEAS: the baseline is measurable from 1.5 x liver mean + 2 SD, with a diseased liver from 2.0 x blood pool + 2 SD.

The response, in this order:

1. PC.HOT: without a SULpeak it is not evaluable.
2. PC.PMD: a new lesion is progressive metabolic disease.
3. PC.CMR: every lesion below the liver and indistinguishable from background is a complete metabolic response.
4. PC.MEAS: a baseline below the threshold leaves it not evaluable.
5. PC.PMD: more than 30 % and more than 0.8 SUL above baseline is progressive metabolic disease.
6. PC.PMD: total lesion glycolysis more than 75 % above baseline is progressive metabolic disease.
7. PC.PMR, PC.ABS: at least 30 % and at least 0.8 SUL below baseline is a partial metabolic response.
8. PC.ABS: anything else is stable metabolic disease.

References: Wahl 2009, J Nucl Med 50 (Suppl 1):122S-150S.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from studies.tracking.criteria.errors import CriteriaInputError, MeasurementMissingError
from studies.tracking.criteria.exact import difference, exact, exact_or_none, percent_change, plain
from studies.tracking.criteria.inputs import check_days
from studies.tracking.criteria.rules import Rule, always, first_match
from studies.tracking.criteria.single_value_course import JudgedScan, SingleValueCriterion, build_course
from studies.tracking.criteria.verdict import Clause, CourseVerdict, Criterion, Numbers, Response

_SHARE = Fraction(30, 100)
_ABSOLUTE_SUL = Decimal("0.8")
_GLYCOLYSIS_SHARE = Fraction(75, 100)
_UPTAKE_MINUTES = 15
_LIVER_SHARE, _LIVER_SUL = Fraction(20, 100), Decimal("0.3")
_PERCIST = SingleValueCriterion(
    criterion=Criterion.PERCIST,
    ranking=(Response.CMR, Response.PMR, Response.SMD),
    progression=Response.PMD,
    rule_id="PC.HOT",
)


@dataclass(frozen=True, slots=True)
class PetTimepoint:
    """One FDG-PET: the SULpeak of each lesion, the reference tissues, and how it was acquired."""

    days_from_baseline: int
    sul_peaks: tuple[Decimal, ...] = ()
    liver_mean: Decimal | None = None
    liver_sd: Decimal | None = None
    blood_mean: Decimal | None = None
    blood_sd: Decimal | None = None
    total_lesion_glycolysis: Decimal | None = None
    uptake_minutes: Decimal | None = None
    are_all_resolved: bool = False
    new_lesion_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "sul_peaks", tuple(exact(v, name="SULpeak") for v in self.sul_peaks))
        for name in ("liver_mean", "liver_sd", "blood_mean", "blood_sd", "total_lesion_glycolysis", "uptake_minutes"):
            object.__setattr__(self, name, exact_or_none(getattr(self, name), name=name))
        for tissue, mean, sd in (("liver", self.liver_mean, self.liver_sd), ("blood", self.blood_mean, self.blood_sd)):
            if mean is not None and sd is not None and sd > mean:
                raise CriteriaInputError(f"The SD of the {tissue} is larger than its mean. Were they exchanged?")

    @property
    def hottest(self) -> Decimal | None:
        """The SULpeak of the hottest lesion (PC.HOT)."""
        return max(self.sul_peaks, default=None)

    @property
    def is_liver_known(self) -> bool:
        """Whether mean and SD of the liver are there."""
        return self.liver_mean is not None and self.liver_sd is not None

    @property
    def missing_reference(self) -> str:
        """What of the reference tissues was not recorded, as the end of a sentence."""
        values = {
            "liver mean": self.liver_mean,
            "liver SD": self.liver_sd,
            "blood pool mean": self.blood_mean,
            "blood pool SD": self.blood_sd,
        }
        if all(value is None for value in values.values()):
            return "neither liver nor blood pool was recorded"
        tissue = "liver" if self.liver_mean is not None or self.liver_sd is not None else "blood pool"
        missing = [name for name, value in values.items() if value is None and name.startswith(tissue)]
        return f"the {missing[0]} was not recorded" if missing else "nothing is missing"

    @property
    def measurable_threshold(self) -> Decimal | None:
        """The SULpeak from which disease is measurable (PC.MEAS); None without a reference tissue."""
        if self.liver_mean is not None and self.liver_sd is not None:
            return Decimal("1.5") * self.liver_mean + 2 * self.liver_sd
        if self.blood_mean is not None and self.blood_sd is not None:
            return 2 * self.blood_mean + 2 * self.blood_sd
        return None

    @property
    def is_measurable(self) -> bool | None:
        """Whether the hottest lesion is measurable; None where that cannot be known."""
        threshold, hottest = self.measurable_threshold, self.hottest
        return None if threshold is None or hottest is None else hottest >= threshold


@dataclass(frozen=True, slots=True)
class _Facts:
    now: PetTimepoint
    baseline: PetTimepoint

    @property
    def value(self) -> Decimal:
        return self.now.hottest or Decimal(0)

    @property
    def reference(self) -> Decimal:
        return self.baseline.hottest or Decimal(0)

    @property
    def rise(self) -> Decimal:
        return difference(self.value, self.reference)

    def rose_by_more_than(self, share: Fraction) -> bool:
        return Fraction(self.rise) > share * Fraction(self.reference)

    @property
    def is_glycolysis_risen(self) -> bool:
        now, then = self.now.total_lesion_glycolysis, self.baseline.total_lesion_glycolysis
        return now is not None and then is not None and Fraction(now) > (1 + _GLYCOLYSIS_SHARE) * Fraction(then)

    def said(self) -> str:
        change = percent_change(self.value, self.reference)
        return f"the hottest lesion has SULpeak {plain(self.value)}, {change} and {self.rise:+f} from baseline"


RULES: tuple[Rule[_Facts], ...] = (
    Rule(
        "PC.HOT",
        Response.NE,
        lambda f: f.now.hottest is None and not f.now.are_all_resolved and not f.now.new_lesion_ids,
        lambda f: "Not evaluable, because no SULpeak was measured.",
    ),
    Rule(
        "PC.PMD",
        Response.PMD,
        lambda f: bool(f.now.new_lesion_ids),
        lambda f: f"New FDG-avid lesion: {', '.join(f.now.new_lesion_ids)}.",
    ),
    Rule(
        "PC.CMR",
        Response.CMR,
        lambda f: f.now.are_all_resolved,
        lambda f: "Every lesion is below the liver and indistinguishable from background.",
    ),
    Rule(
        "PC.MEAS",
        Response.NE,
        lambda f: f.baseline.is_measurable is False,
        lambda f: (
            f"Not evaluable, because the baseline SULpeak {plain(f.reference)} is below the measurable threshold "
            f"{plain(f.baseline.measurable_threshold or Decimal(0))}."
        ),
    ),
    Rule(
        "PC.PMD",
        Response.PMD,
        lambda f: f.rose_by_more_than(_SHARE) and f.rise > _ABSOLUTE_SUL,
        lambda f: f"More than 30 % and 0.8 SUL above baseline: {f.said()}.",
    ),
    Rule(
        "PC.PMD",
        Response.PMD,
        lambda f: f.is_glycolysis_risen,
        lambda f: "Total lesion glycolysis rose by more than 75 %.",
    ),
    Rule(
        "PC.PMR",
        Response.PMR,
        lambda f: Fraction(f.rise) <= -_SHARE * Fraction(f.reference) and f.rise <= -_ABSOLUTE_SUL,
        lambda f: f"At least 30 % and 0.8 SUL below baseline: {f.said()}.",
    ),
    Rule("PC.ABS", Response.SMD, always, lambda f: f"Neither 30 % with 0.8 SUL down nor up: {f.said()}."),
)


def assess_percist(timepoints: tuple[PetTimepoint, ...]) -> CourseVerdict:
    """Judge a course of FDG-PET by PERCIST 1.0, each scan against the baseline."""
    check_days(t.days_from_baseline for t in timepoints)
    baseline = timepoints[0]
    if baseline.hottest is None:
        raise MeasurementMissingError("The baseline PET has no SULpeak. Measure the hottest lesion there.")
    clause = Clause("PC.MEAS", _measurability(baseline))
    return build_course(_PERCIST, [_judge(t, baseline) for t in timepoints], baseline=clause)


def _judge(timepoint: PetTimepoint, baseline: PetTimepoint) -> JudgedScan:
    facts = _Facts(timepoint, baseline)
    is_baseline = timepoint is baseline
    return JudgedScan(
        day=timepoint.days_from_baseline,
        finding=first_match(RULES, facts),
        numbers=Numbers(
            quantity="SULpeak of the hottest lesion",
            unit="SUL",
            value=timepoint.hottest,
            baseline=baseline.hottest,
            baseline_day=0,
        ),
        warnings=() if is_baseline else (*_unknown_references(timepoint, baseline), *_lesion_warnings(facts)),
        review_flags=() if is_baseline else _comparability_flags(timepoint, baseline),
    )


def _measurability(baseline: PetTimepoint) -> str:
    """Say whether the baseline is measurable, by which reference, or what to record so that it can be known."""
    threshold = baseline.measurable_threshold
    if threshold is None:
        return f"Baseline. Whether it is measurable is unknown, because {baseline.missing_reference}."
    side = "measurable" if baseline.is_measurable else "not measurable"
    by = "liver" if baseline.is_liver_known else "blood pool"
    hottest = plain(baseline.hottest or Decimal(0))
    return f"Baseline: SULpeak {hottest} is {side} (threshold {plain(threshold)} by the {by})."


def _unknown_references(now: PetTimepoint, baseline: PetTimepoint) -> tuple[str, ...]:
    """Say what cannot be known because a reference tissue was not recorded."""
    said = []
    if baseline.measurable_threshold is None:
        said.append(
            f"Whether the baseline is measurable is unknown, because {baseline.missing_reference} there. Record mean "
            "and SD of the liver, or of the blood pool where the liver is diseased."
        )
    if now.liver_mean is None or baseline.liver_mean is None:
        said.append("Whether the livers are alike is unknown, because the liver mean was not recorded on both scans.")
    return tuple(said)


def _lesion_warnings(facts: _Facts) -> tuple[str, ...]:
    """Say what the rules of the hottest lesion do not see (open point 6)."""
    if facts.now.total_lesion_glycolysis is None or facts.baseline.total_lesion_glycolysis is None:
        return ("Total lesion glycolysis was not measured on both scans; progression by it could not be judged.",)
    if facts.is_glycolysis_risen and facts.rise < 0:
        return ("Total lesion glycolysis rose while SULpeak fell: look at every lesion.",)
    return ()


def _comparability_flags(now: PetTimepoint, baseline: PetTimepoint) -> tuple[str, ...]:
    """Return why the two scans may not be comparable: uptake time and liver."""
    flags = []
    minutes = (now.uptake_minutes, baseline.uptake_minutes)
    if minutes[0] is not None and minutes[1] is not None and abs(difference(minutes[0], minutes[1])) > _UPTAKE_MINUTES:
        flags.append(f"Uptake times differ by more than {_UPTAKE_MINUTES} minutes: the scans may not be comparable.")
    if now.liver_mean is not None and baseline.liver_mean is not None:
        gap = abs(difference(now.liver_mean, baseline.liver_mean))
        if gap > _LIVER_SUL or Fraction(gap) > _LIVER_SHARE * Fraction(baseline.liver_mean):
            flags.append("Liver SUL differs by more than 20 % or 0.3: the scans may not be comparable.")
    return tuple(flags)

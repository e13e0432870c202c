"""What a rule of the RANO family may ask for, and the target table they share.

The target response, in this order:

1. RN.NE: a scan without a measurement is not evaluable.
2. RN.ZERO: without measurable disease at baseline, any measurable disease is progression.
3. RN.ZERO: without measurable disease at baseline, stable disease is the best possible.
4. RN.2D, RN.3D, RN.NADIR: at least 25 % (product) or 40 % (volume) above the smallest earlier value is progression.
5. RN.2D, RN.3D: disappeared is a complete response.
6. RN.2D, RN.3D: at least 50 % (product) or 65 % (volume) below baseline is a partial response.
7. RN.MR, RL.MR: a non-enhancing tumour at least 25 % (product) or 40 % (volume) below baseline is a minor response.
8. RN.2D, RN.3D: anything else is stable disease.

References: Wen 2023 (RANO 2.0), JCO 41:5187-5199; Wen 2010, JCO 28:1963-1972; van den Bent 2011, Lancet Oncol
12:583-593.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from studies.tracking.criteria.brain_inputs import BrainCourse, BrainTimepoint, MeasurementMode, Trend, TumourComponent
from studies.tracking.criteria.brain_status import BrainStatus
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.exact import is_at_least, is_at_most, percent_change, plain
from studies.tracking.criteria.rules import Rule, always
from studies.tracking.criteria.verdict import Numbers, Response


@dataclass(frozen=True, slots=True)
class RanoLimits:
    """Shares of the reference at which a category begins; equality counts."""

    rule_id: str
    partial_share: Fraction
    minor_share: Fraction
    progression_share: Fraction
    quantity: str
    unit: str


LIMITS = {
    MeasurementMode.PRODUCTS_2D: RanoLimits(
        "RN.2D", Fraction(50, 100), Fraction(75, 100), Fraction(125, 100), "sum of products", "mm2"
    ),
    MeasurementMode.VOLUME_3D: RanoLimits(
        "RN.3D", Fraction(35, 100), Fraction(60, 100), Fraction(140, 100), "volume", "mL"
    ),
}


@dataclass(frozen=True, slots=True)
class RanoFacts:
    """What a rule about one scan may ask for."""

    course: BrainCourse
    timepoint: BrainTimepoint
    value: Decimal | None
    baseline: Decimal
    nadir: Decimal
    nadir_day: int
    configuration: CriteriaConfiguration
    target_response: Response = Response.NA
    target_sentence: str = ""

    @property
    def limits(self) -> RanoLimits:
        return LIMITS[self.course.mode]

    @property
    def now(self) -> Decimal:
        """The value of a scan that has one."""
        return Decimal(0) if self.value is None else self.value

    @property
    def is_grown(self) -> bool:
        """Whether the value rose by the share needed; a rise from 0 is infinite."""
        return self.now > self.nadir and is_at_least(self.now, self.limits.progression_share, self.nadir)

    @property
    def is_partial(self) -> bool:
        return is_at_most(self.now, self.limits.partial_share, self.baseline)

    @property
    def is_minor(self) -> bool:
        is_non_enhancing = self.course.component is TumourComponent.NON_ENHANCING
        return is_non_enhancing and is_at_most(self.now, self.limits.minor_share, self.baseline)

    @property
    def status(self) -> BrainStatus:
        baseline = self.course.baseline
        return BrainStatus(self.timepoint.clinical_status, self.timepoint.steroid, baseline.steroid)

    @property
    def is_non_measurable_gone(self) -> bool:
        """Whether non-measurable disease allows a complete response: there is none, or none was ever recorded."""
        return self.timepoint.non_measurable in (None, Trend.ABSENT) and not (
            self.timepoint.non_measurable is None and self.course.baseline.non_measurable not in (None, Trend.ABSENT)
        )

    def said(self) -> str:
        """Return the value with both references, as sentences use it."""
        unit = self.limits.unit
        return (
            f"the {self.limits.quantity} is {plain(self.now)} {unit}, {percent_change(self.now, self.baseline)} from "
            f"baseline ({plain(self.baseline)} {unit}) and {percent_change(self.now, self.nadir)} from the smallest "
            f"value before ({plain(self.nadir)} {unit} on day {self.nadir_day})"
        )

    def numbers(self) -> Numbers:
        """Return the numbers a verdict shows."""
        products = self.timepoint.products_mm2 or ()
        return Numbers(
            quantity=self.limits.quantity,
            unit=self.limits.unit,
            value=self.value,
            baseline=self.baseline,
            baseline_day=0,
            nadir=self.nadir,
            nadir_day=self.nadir_day,
            composition=tuple((f"target {number}", product) for number, product in enumerate(products, 1)),
        )


def target_rules(mode: MeasurementMode, *, minor_rule_id: str) -> tuple[Rule[RanoFacts], ...]:
    """Return the target table for products or for volumes."""
    limits = LIMITS[mode]
    grown, shrunk, less = (
        abs(round((share - 1) * 100)) for share in (limits.progression_share, limits.partial_share, limits.minor_share)
    )
    main = limits.rule_id
    return (
        Rule(
            "RN.NE",
            Response.NE,
            lambda f: f.value is None,
            lambda f: "Not evaluable, because this scan has no measurement.",
        ),
        Rule(
            "RN.ZERO",
            Response.PD,
            lambda f: f.baseline == 0 and f.now > 0,
            lambda f: f"There was no measurable disease at baseline, now there is: {f.said()}.",
        ),
        Rule(
            "RN.ZERO",
            Response.SD,
            lambda f: f.baseline == 0,
            lambda f: "No measurable disease at baseline and none now: stable disease is the best possible.",
        ),
        Rule(
            main,
            Response.PD,
            lambda f: f.is_grown,
            lambda f: f"At least {grown} % above the smallest earlier value: {f.said()}.",
        ),
        Rule(main, Response.CR, lambda f: f.now == 0, lambda f: "All measurable disease is gone."),
        Rule(
            main,
            Response.PR,
            lambda f: f.is_partial,
            lambda f: f"At least {shrunk} % below baseline: {f.said()}.",
        ),
        Rule(
            minor_rule_id,
            Response.MR,
            lambda f: f.is_minor,
            lambda f: f"At least {less} % and less than {shrunk} % below baseline: {f.said()}.",
        ),
        Rule(main, Response.SD, always, lambda f: f"Neither response nor progression: {f.said()}."),
    )


def flair_worse(facts: RanoFacts) -> bool:
    """Tell whether T2/FLAIR clearly worsened."""
    return facts.timepoint.flair is Trend.WORSE

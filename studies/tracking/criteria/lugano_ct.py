"""Lugano, CT arm: up to six nodes or masses, each with its longest (LDi) and its perpendicular diameter (SDi).

The response, in this order:

1. LU.CT: a new lesion or a progressing spleen is progression.
2. LU.CT: a node with LDi above 15 mm, its product at least 50 % above its own nadir, and LDi or SDi larger by 5 mm
   (LDi at nadir up to 20 mm) or 10 mm (above), is progression.
3. LU.CT: with a node missing it is not evaluable.
4. LU.CT: every LDi at most 15 mm is a complete response.
5. LU.CT: the sum of products at least 50 % below baseline is a partial response.
6. LU.CT: anything else is stable disease.

A node too small to measure counts 5 x 5 mm, one that is gone 0 x 0 mm.

References: Cheson 2014, JCO 32:3059-3068 (the conjunction in 2 from memory of the paper; secondary tables print "or").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.errors import CriteriaInputError, MeasurementMissingError, UnknownLesionError
from studies.tracking.criteria.exact import difference, is_at_least, is_at_most, percent_change, plain
from studies.tracking.criteria.inputs import check_days
from studies.tracking.criteria.lymphoma_inputs import LymphomaTimepoint, NodeDiameters
from studies.tracking.criteria.rules import Rule, always, first_match
from studies.tracking.criteria.single_value_course import JudgedScan, SingleValueCriterion, build_course
from studies.tracking.criteria.verdict import Clause, CourseVerdict, Criterion, Numbers, Response

NORMAL_NODE_MM = Decimal(15)
MOST_TARGETS = 6
_GROWN, _SHRUNK = Fraction(150, 100), Fraction(50, 100)
_SMALL_GROWTH_MM, _LARGE_GROWTH_MM = Decimal(5), Decimal(10)
_LUGANO_CT = SingleValueCriterion(
    criterion=Criterion.LUGANO_CT,
    ranking=(Response.CR, Response.PR, Response.SD),
    progression=Response.PD,
    rule_id="LU.CT",
)
_BASELINE = Clause("LU.CT", "Baseline: later scans are compared with this one.")


@dataclass(frozen=True, slots=True)
class _Facts:
    now: LymphomaTimepoint
    earlier: tuple[LymphomaTimepoint, ...]
    size_limit_mm: Decimal

    @property
    def baseline_sum(self) -> Decimal:
        return self.earlier[0].sum_of_products_mm2 or Decimal(0)

    @property
    def sum_now(self) -> Decimal:
        return self.now.sum_of_products_mm2 or Decimal(0)

    @property
    def nadir(self) -> LymphomaTimepoint:
        return min((t for t in self.earlier if t.is_complete), key=lambda t: t.sum_of_products_mm2 or Decimal(0))

    @property
    def missing_ids(self) -> tuple[str, ...]:
        return tuple(node.node_id for node in self.now.nodes if not node.is_evaluated)

    @property
    def grown_ids(self) -> tuple[str, ...]:
        return tuple(node.node_id for node in self.now.nodes if node.is_evaluated and self._is_grown(node))

    def _is_grown(self, node: NodeDiameters) -> bool:
        before = [n for t in self.earlier for n in t.nodes if n.node_id == node.node_id and n.is_evaluated]
        nadir = min(before, key=lambda n: n.product_mm2)
        needed = _SMALL_GROWTH_MM if nadir.longest_mm <= self.size_limit_mm else _LARGE_GROWTH_MM
        rises = (
            difference(node.longest_mm, nadir.longest_mm),
            difference(node.short_mm, nadir.short_mm),
        )
        is_larger = node.product_mm2 > nadir.product_mm2
        return (
            node.longest_mm > NORMAL_NODE_MM
            and is_larger
            and is_at_least(node.product_mm2, _GROWN, nadir.product_mm2)
            and max(rises) >= needed
        )

    def said(self) -> str:
        return (
            f"the sum of products is {plain(self.sum_now)} mm2, {percent_change(self.sum_now, self.baseline_sum)} from "
            f"baseline ({plain(self.baseline_sum)} mm2)"
        )


RULES: tuple[Rule[_Facts], ...] = (
    Rule(
        "LU.CT",
        Response.PD,
        lambda f: bool(f.now.new_lesion_ids) or f.now.is_spleen_progressing,
        lambda f: (
            f"New lesion: {', '.join(f.now.new_lesion_ids)}." if f.now.new_lesion_ids else "The spleen progressed."
        ),
    ),
    Rule(
        "LU.CT",
        Response.PD,
        lambda f: bool(f.grown_ids),
        lambda f: (
            f"{', '.join(f.grown_ids)} is above 15 mm, 50 % above its nadir in product, and enough in millimetres."
        ),
    ),
    Rule(
        "LU.CT",
        Response.NE,
        lambda f: bool(f.missing_ids),
        lambda f: f"Not evaluable, because {', '.join(f.missing_ids)} was not evaluated.",
    ),
    Rule(
        "LU.CT",
        Response.CR,
        lambda f: all(node.longest_mm <= NORMAL_NODE_MM for node in f.now.nodes),
        lambda f: "Every node is at most 15 mm in its longest diameter.",
    ),
    Rule(
        "LU.CT",
        Response.PR,
        lambda f: is_at_most(f.sum_now, _SHRUNK, f.baseline_sum),
        lambda f: f"At least 50 % below baseline: {f.said()}.",
    ),
    Rule("LU.CT", Response.SD, always, lambda f: f"Neither response nor progression: {f.said()}."),
)


def assess_lugano_ct(
    timepoints: tuple[LymphomaTimepoint, ...], configuration: CriteriaConfiguration | None = None
) -> CourseVerdict:
    """Judge a course of CT by the Lugano classification."""
    values = configuration or CriteriaConfiguration()
    check_days(t.days_from_baseline for t in timepoints)
    aligned = _align(timepoints)
    scans = [_judge(aligned, index, values) for index in range(len(aligned))]
    return build_course(_LUGANO_CT, scans, baseline=_BASELINE, version=values.version)


def _align(timepoints: tuple[LymphomaTimepoint, ...]) -> tuple[LymphomaTimepoint, ...]:
    """Give every timepoint the nodes of the baseline, one that was not recorded as not evaluated."""
    baseline = timepoints[0]
    known = [node.node_id for node in baseline.nodes]
    if not known or not baseline.is_complete:
        raise MeasurementMissingError("The baseline needs both diameters of every target node.")
    if len(known) > MOST_TARGETS:
        raise CriteriaInputError(f"Lugano follows at most {MOST_TARGETS} nodes or masses; {len(known)} were given.")
    aligned = []
    for timepoint in timepoints:
        seen = {node.node_id: node for node in timepoint.nodes}
        if strangers := sorted(set(seen) - set(known)):
            raise UnknownLesionError(f"{', '.join(strangers)} was no target at baseline. Record it as a new lesion.")
        nodes = tuple(seen.get(node_id, NodeDiameters(node_id, None, None)) for node_id in known)
        aligned.append(
            LymphomaTimepoint(
                timepoint.days_from_baseline, nodes, timepoint.new_lesion_ids, timepoint.is_spleen_progressing
            )
        )
    return tuple(aligned)


def _judge(timepoints: Sequence[LymphomaTimepoint], index: int, values: CriteriaConfiguration) -> JudgedScan:
    now = timepoints[index]
    facts = _Facts(now, tuple(timepoints[:index]) or (now,), values.lugano_size_limit_mm)
    return JudgedScan(
        day=now.days_from_baseline,
        finding=first_match(RULES, facts),
        numbers=Numbers(
            quantity="sum of products",
            unit="mm2",
            value=now.sum_of_products_mm2,
            baseline=facts.baseline_sum,
            baseline_day=0,
            nadir=facts.nadir.sum_of_products_mm2,
            nadir_day=facts.nadir.days_from_baseline,
            composition=tuple((n.node_id, n.product_mm2 if n.is_evaluated else None) for n in now.nodes),
        ),
        configuration=values.shown("lugano_size_limit_mm"),
    )

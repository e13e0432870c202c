"""What can be measured, and what may be chosen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from studies.tracking.criteria.inputs import LesionKind
from studies.tracking.criteria.measurability import (
    Candidate,
    FindingType,
    Measurability,
    Method,
    Scheme,
    judge_measurability,
)
from studies.tracking.criteria.target_selection import TargetCandidate, check_selection, organ_group

NODE = LesionKind.NODE


def size(longest: str, **more: Any) -> Candidate:
    return Candidate(longest_diameter_mm=Decimal(longest), **more)


def node(axis: str) -> Candidate:
    return Candidate(kind=NODE, short_axis_mm=Decimal(axis))


@pytest.mark.parametrize(
    ("candidate", "expected", "rule_id"),
    [
        (size("10.0", slice_thickness_mm=Decimal(5)), "measurable", "R11.MEAS.SLICE"),
        (size("9.9"), "non_measurable", "R11.MEAS.SLICE"),
        (size("13.9", slice_thickness_mm=Decimal(7)), "non_measurable", "R11.MEAS.SLICE"),
        (size("14.0", slice_thickness_mm=Decimal(7)), "measurable", "R11.MEAS.SLICE"),
        (size("10.1", slice_thickness_mm=Decimal("5.1")), "non_measurable", "R11.MEAS.SLICE"),
        (size("19.9", method=Method.CHEST_XRAY), "non_measurable", "R11.MEAS.METHOD"),
        (size("20", method=Method.CHEST_XRAY), "measurable", "R11.MEAS.METHOD"),
        (size("10", method=Method.CALIPERS), "measurable", "R11.MEAS.METHOD"),
        (size("50", method=Method.ULTRASOUND), "non_measurable", "R11.MEAS.METHOD"),
        (node("15.0"), "measurable", "R11.MEAS.NODE"),
        (node("14.9"), "non_target_pathological", "R11.MEAS.NODE"),
        (node("10.0"), "non_target_pathological", "R11.MEAS.NODE"),
        (node("9.9"), "normal", "R11.MEAS.NODE"),
        (Candidate(kind=NODE, longest_diameter_mm=Decimal(30)), "unknown", "R11.MEAS.NODE"),
        (Candidate(), "unknown", "R11.MEAS.SLICE"),
        (size("30", is_locally_treated=True), "non_measurable", "R11.MEAS.RT"),
        (size("30", is_locally_treated=True, has_progressed_since_treatment=True), "measurable", "R11.MEAS.SLICE"),
        (size("80", finding_type=FindingType.ASCITES), "non_measurable", "R11.MEAS.TYPE"),
        (size("80", finding_type=FindingType.LYTIC_BONE), "non_measurable", "R11.MEAS.TYPE"),
        (
            size("80", finding_type=FindingType.LYTIC_BONE, has_soft_tissue_component=True),
            "measurable",
            "R11.MEAS.SLICE",
        ),
    ],
)
def test_recist(candidate: Candidate, expected: str, rule_id: str) -> None:
    verdict = judge_measurability(candidate)
    assert (verdict.measurability, verdict.clause.rule_id) == (expected, rule_id)


@pytest.mark.parametrize(
    ("scheme", "longest", "perpendicular", "more", "expected"),
    [
        (Scheme.RANO, "10", "10", {}, True),
        (Scheme.RANO, "12", "9.9", {}, False),
        (Scheme.RANO, "10", "10", {"slice_count": 1}, False),
        (Scheme.RANO, "11", "11", {"slice_thickness_mm": Decimal(6)}, False),
        (Scheme.RANO_BM, "10", "5", {}, True),
        (Scheme.RANO_BM, "12", "4.9", {}, False),
        (Scheme.RANO_BM, "9.9", "9", {}, False),
    ],
)
def test_brain(scheme: Scheme, longest: str, perpendicular: str, more: dict[str, Any], expected: bool) -> None:
    candidate = size(longest, short_axis_mm=Decimal(perpendicular), **more)
    assert judge_measurability(candidate, scheme).is_measurable is expected
    assert judge_measurability(size("30"), scheme).measurability is Measurability.UNKNOWN


@pytest.mark.parametrize(
    ("organs", "expected"),
    [
        (["liver", "liver", "lung", "adrenal"], []),
        (["liver", "liver", "liver"], ["TOO_MANY_PER_ORGAN"]),
        (["left lung", "Lung (right)", "lungs"], ["TOO_MANY_PER_ORGAN"]),
        (["kidney left", "kidney_r", "liver"], []),
        (["liver", "lung", "bone", "skin", "brain", "spleen"], ["TOO_MANY_TOTAL"]),
    ],
)
def test_selection(organs: list[str], expected: list[str]) -> None:
    assert list(check_selection([TargetCandidate(organ, size("20")) for organ in organs])) == expected


def test_nodes_are_one_organ_and_need_fifteen_millimetres() -> None:
    def choice(*axes: str) -> list[str]:
        stations = ("hilar", "axilla", "inguinal")
        return [
            str(e) for e in check_selection([TargetCandidate(s, node(a)) for s, a in zip(stations, axes, strict=False)])
        ]

    assert choice("15", "20") == []
    assert choice("15", "20", "16") == ["TOO_MANY_PER_ORGAN"]
    assert choice("14.9") == ["NOT_MEASURABLE"]
    assert organ_group("hilar", NODE) == organ_group("axilla", NODE)

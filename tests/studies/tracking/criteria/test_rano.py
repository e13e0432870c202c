"""The RANO family: thresholds, composite table, preliminary progression, pseudoprogression, sustained responses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from studies.tracking.criteria.brain_inputs import MeasurementMode, Trend, TumourComponent
from studies.tracking.criteria.configuration import (
    ConfirmationRule,
    CriteriaConfiguration,
    ProgressionConfirmation,
)
from studies.tracking.criteria.inputs import ClinicalStatus, SteroidDose
from studies.tracking.criteria.mrano import DEFAULTS as MRANO_DEFAULTS
from studies.tracking.criteria.mrano import assess_mrano
from studies.tracking.criteria.rano_2_0 import assess_rano_2_0
from studies.tracking.criteria.rano_hgg import assess_rano_hgg
from studies.tracking.criteria.rano_lgg import assess_rano_lgg
from studies.tracking.criteria.rano_mixed import assess_rano_mixed, join_components
from studies.tracking.criteria.verdict import Response
from tests.studies.tracking.criteria.builders import best, brain, overall, target

VOLUME = {"mode": MeasurementMode.VOLUME_3D}
NON_ENHANCING = {"component": TumourComponent.NON_ENHANCING}
AFTER_RADIOTHERAPY = {"radiotherapy_end_day": -28}


def steroid(mg: int) -> dict[str, Any]:
    return {"steroid": SteroidDose(Decimal(mg)), "clinical_status": ClinicalStatus.STABLE}


@pytest.mark.parametrize(
    ("value", "expected"),
    [("500", "PR"), ("500.1", "SD"), ("1249.9", "SD"), ("1250", "PD"), ("0", "CR"), ("750", "SD")],
)
def test_products(value: str, expected: str) -> None:
    assert target(assess_rano_2_0(brain((0, [1000]), (56, [value])))) == [expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("7.0", "PR"), ("7.001", "SD"), ("27.98", "SD"), ("28", "PD"), ("10", "SD"), ("25", "SD")],
)
def test_volumes_have_thresholds_of_their_own(value: str, expected: str) -> None:
    """Mistake 11: by the thresholds of products, 10 of 20 mL would be PR and 25 mL would be PD."""
    assert target(assess_rano_2_0(brain((0, Decimal(20)), (56, Decimal(value)), **VOLUME))) == [expected]


@pytest.mark.parametrize(
    ("value", "product", "volume"), [("600", "MR", "MR"), ("750", "MR", "SD"), ("751", "SD", "SD"), ("500", "PR", "MR")]
)
def test_minor_response_of_non_enhancing_tumour(value: str, product: str, volume: str) -> None:
    assert target(assess_rano_lgg(brain((0, [1000]), (90, [value]), **NON_ENHANCING))) == [product]
    rows = brain((0, Decimal(1000)), (90, Decimal(value)), **NON_ENHANCING, **VOLUME)
    assert target(assess_rano_2_0(rows)) == [volume]


def test_reference_is_the_smallest_earlier_value() -> None:
    verdict = assess_rano_2_0(brain((0, [1000]), (56, [400]), (84, None), (112, [499]), (140, [500])))
    assert overall(verdict) == ["PR", "NE", "PR", "PD"]
    assert [t.numbers.nadir_day for t in verdict.timepoints[1:]] == [0, 56, 56, 56]


def test_without_measurable_disease_at_baseline() -> None:
    assert overall(assess_rano_2_0(brain((0, [0]), (56, [0]), (112, [120])))) == ["SD", "PD"]


def test_disease_seen_again_after_a_complete_response_is_progression() -> None:
    assert overall(assess_rano_2_0(brain((0, [1000]), (56, [0]), (112, [120])))) == ["CR", "PD"]


@pytest.mark.parametrize(
    ("before", "now", "value", "expected"),
    [
        (4, 4, 0, "PR"),
        (4, 0, 0, "CR"),
        (2, 6, 0, "UNDETERMINED"),
        (2, 6, 400, "UNDETERMINED"),
        (2, 6, 1000, "UNDETERMINED"),
        (2, 6, 1300, "PD"),
        (6, 2, 400, "PR"),
    ],
)
def test_steroids(before: int, now: int, value: int, expected: str) -> None:
    verdict = assess_rano_2_0(brain((0, [1000], steroid(before)), (56, [value], steroid(now))))
    assert overall(verdict) == [expected]
    assert not verdict.latest.warnings


def test_replacement_is_no_steroid() -> None:
    replaced = {"steroid": SteroidDose(Decimal(1), is_physiological_replacement=True)}
    assert overall(assess_rano_2_0(brain((0, [1000]), (56, [0], replaced)))) == ["CR"]


def test_what_is_not_recorded_is_said() -> None:
    verdict = assess_rano_2_0(brain((0, [1000]), (56, [0]))).latest
    assert len(verdict.warnings) == 2
    assert verdict.is_review_mandatory  # a complete response without knowing the steroids


@pytest.mark.parametrize(
    ("finding", "expected", "rule_id"),
    [
        ({"clinical_status": ClinicalStatus.WORSE_FROM_TUMOUR}, "PD", "RN.CLIN"),
        ({"clinical_status": ClinicalStatus.WORSE_FROM_OTHER_CAUSE}, "SD", "RN.CLIN"),
        ({"new": ["L1"]}, "PD", "RN.NEW"),
        ({"non_measurable": Trend.WORSE}, "PD", "RN.NM"),
        ({"non_measurable": Trend.STABLE}, "PR", "RN.2D"),
        ({"flair": Trend.WORSE}, "PR", "RN.2D"),
        ({"is_enhancement_new_or_increased": True}, "PR", "RN.2D"),
    ],
)
def test_findings_beside_the_measurement(finding: dict[str, Any], expected: str, rule_id: str) -> None:
    verdict = assess_rano_2_0(brain((0, [1000]), (120, [400], finding)))
    assert overall(verdict) == [expected]
    assert verdict.latest.clause.rule_id == rule_id


def test_non_measurable_disease_bars_a_complete_response() -> None:
    rows = brain((0, [1000], {"non_measurable": Trend.STABLE}), (56, [0]), (112, [0], {"non_measurable": Trend.ABSENT}))
    assert overall(assess_rano_2_0(rows)) == ["PR", "CR"]


def test_flair_counts_in_2010_and_under_antiangiogenic_therapy() -> None:
    rows = brain((0, [1000]), (120, [900], {"flair": Trend.WORSE}))
    assert overall(assess_rano_hgg(rows)) == ["PD"]
    assert overall(assess_rano_2_0(rows)) == ["SD"]
    assert overall(assess_rano_2_0(rows, CriteriaConfiguration(is_antiangiogenic=True))) == ["PD"]


def test_new_enhancement_of_low_grade_glioma() -> None:
    rows = brain((0, [2000]), (90, [1900], {"is_enhancement_new_or_increased": True}), **NON_ENHANCING)
    assert assess_rano_lgg(rows).latest.clause.rule_id == "RL.CE"


@pytest.mark.parametrize(("day", "expected"), [(56, "PPD"), (57, "PD")])
def test_the_window_after_radiotherapy_is_twelve_weeks_inclusive(day: int, expected: str) -> None:
    assert overall(assess_rano_2_0(brain((0, [800]), (day, [1000]), **AFTER_RADIOTHERAPY))) == [expected]


@pytest.mark.parametrize(
    ("day", "value", "expected", "progression", "pseudo"),
    [
        (70, [1250], "PD", 42, ()),
        (69, [1250], "PPD", None, ()),  # 27 days, mistake 12
        (70, [1249], "PPD", None, ()),  # persists, not 25 % more: the reader decides
        (70, [999], "SD", None, (42,)),
        (70, None, "NE", None, ()),
    ],
)
def test_confirming_a_preliminary_progression(
    day: int, value: list[int] | None, expected: str, progression: int | None, pseudo: tuple[int, ...]
) -> None:
    verdict = assess_rano_2_0(brain((0, [800]), (42, [1000]), (day, value), **AFTER_RADIOTHERAPY))
    assert overall(verdict) == ["PPD", expected]
    assert (verdict.progression_day, verdict.pseudoprogression_days) == (progression, pseudo)
    assert verdict.latest.is_review_mandatory is (value == [1249])


def test_deterioration_needs_no_confirmation() -> None:
    worse = {"clinical_status": ClinicalStatus.WORSE_FROM_TUMOUR}
    verdict = assess_rano_2_0(brain((0, [800]), (42, [1000], worse), **AFTER_RADIOTHERAPY))
    assert (overall(verdict), verdict.progression_day) == (["PD"], 42)


def test_an_undetermined_scan_neither_confirms_nor_refutes() -> None:
    rows = brain(
        (0, [800], steroid(2)),
        (42, [1000], steroid(2)),
        (70, [900], steroid(6)),
        (98, [1250], steroid(2)),
        **AFTER_RADIOTHERAPY,
    )
    verdict = assess_rano_2_0(rows)
    assert overall(verdict) == ["PPD", "UNDETERMINED", "PD"]
    assert verdict.progression_day == 42


def test_outside_the_radiation_field_it_is_progression_at_once() -> None:
    outside = {"is_outside_radiation_field": True}
    rows = brain((0, [800]), (42, [1000], outside), **AFTER_RADIOTHERAPY)
    assert overall(assess_rano_hgg(rows)) == ["PD"]


@pytest.mark.parametrize(
    ("second", "rule", "expected", "pseudo"),
    [
        ([1600], ConfirmationRule.FURTHER_INCREASE_VS_PPD, "PD", ()),
        ([1562], ConfirmationRule.FURTHER_INCREASE_VS_PPD, "SD", (112,)),  # 1562.5 is 25 % over the preliminary scan
        ([1300], ConfirmationRule.PERSIST_VS_NADIR, "PD", ()),
        ([1100], ConfirmationRule.PERSIST_VS_NADIR, "SD", (112,)),
    ],
)
def test_mrano_always_confirms(
    second: list[int], rule: ConfirmationRule, expected: str, pseudo: tuple[int, ...]
) -> None:
    values = CriteriaConfiguration(confirm_pd=ProgressionConfirmation.ALWAYS, confirm_rule=rule)
    verdict = assess_mrano(brain((0, [1000]), (112, [1250]), (140, second)), values)
    assert overall(verdict) == ["PPD", expected]
    assert verdict.pseudoprogression_days == pseudo
    assert verdict.progression_day == (112 if expected == "PD" else None)


def test_mrano_volumes_need_forty_percent_more() -> None:
    for second, expected in (("39.1", "SD"), ("39.2", "PD")):
        rows = brain((0, Decimal(20)), (56, Decimal(28)), (84, Decimal(second)), **VOLUME)
        assert overall(assess_mrano(rows, MRANO_DEFAULTS)) == ["PPD", expected]


def test_a_new_lesion_that_stays_confirms() -> None:
    rows = brain((0, [1000]), (56, [900], {"new": ["L1"]}), (84, [900], {"new": ["L1"]}))
    verdict = assess_mrano(rows)
    assert (overall(verdict), verdict.progression_day) == (["PPD", "PD"], 56)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(56, [450]), (84, [450])], "PR"),
        ([(56, [450]), (83, [450])], "SD"),  # mistake 12
        ([(56, [450]), (70, None), (84, [450])], "PR"),
        ([(56, [450]), (70, [540]), (98, [450])], "SD"),
        ([(56, [0]), (84, [450])], "SD"),  # seen again is progression; the unsustained response counts as stable
        ([(56, [0]), (84, [0])], "CR"),
        ([(56, [450]), (84, [0])], "PR"),
        ([(56, [1300])], "PD"),
        ([(56, None)], "NE"),
    ],
)
def test_only_a_sustained_response_is_the_best(rows: list[tuple[int, Any]], expected: str) -> None:
    assert best(assess_rano_2_0(brain((0, [1000]), *rows))) == expected


MIXED = [
    ("PD", "CR", "PD"),
    ("SD", "PD", "PD"),
    ("CR", "CR", "CR"),
    ("CR", "SD", "SD"),
    ("CR", "MR", "MR"),
    ("CR", "PR", "PR"),
    ("MR", "SD", "MR"),
    ("PR", "SD", "PR"),
    ("SD", "SD", "SD"),
    ("PR", "MR", "MR"),
    ("PR", "PR", "PR"),
    ("NE", "SD", "NE"),
    ("PPD", "SD", "PPD"),
]


@pytest.mark.parametrize(("first", "second", "expected"), MIXED)
def test_mixed_tumours(first: str, second: str, expected: str) -> None:
    for pair in ((first, second), (second, first)):
        assert join_components(Response(pair[0]), Response(pair[1])).response == expected


def test_mixed_courses_are_joined_day_by_day() -> None:
    enhancing = assess_rano_2_0(brain((0, [1000]), (56, [0]), (112, [0])))
    other = assess_rano_2_0(brain((0, [2000]), (56, [1400]), (112, [2000]), **NON_ENHANCING))
    joined = assess_rano_mixed(enhancing, other)
    assert overall(joined) == ["MR", "PD"]
    assert joined.progression_day == 112

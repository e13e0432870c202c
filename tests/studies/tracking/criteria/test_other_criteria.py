"""mRECIST, RANO-BM, PERCIST, Lugano, volumes and lung nodules."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import log
from typing import Any

import pytest

from studies.errors import InvalidInputError
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.inputs import ClinicalStatus, NewLesion, SteroidDose
from studies.tracking.criteria.lugano_ct import assess_lugano_ct
from studies.tracking.criteria.lugano_pet import LymphomaUptake, UptakeTrend, assess_lugano_pet
from studies.tracking.criteria.lung_nodule import nodule_growth_from_diameters, nodule_growth_from_volumes
from studies.tracking.criteria.lymphoma_inputs import LymphomaTimepoint, NodeDiameters
from studies.tracking.criteria.mrecist_hcc import assess_mrecist_hcc
from studies.tracking.criteria.percist import PetTimepoint, assess_percist
from studies.tracking.criteria.rano_bm import assess_rano_bm
from studies.tracking.criteria.recist import assess_recist
from studies.tracking.criteria.volumetric import VolumeTimepoint, assess_volumes
from tests.studies.tracking.criteria.builders import best, course, overall, target


def test_mrecist_needs_no_five_millimetres() -> None:
    rows = course((0, [20]), (56, [24]))
    assert (target(assess_mrecist_hcc(rows)), target(assess_recist(rows))) == (["PD"], ["SD"])
    assert target(assess_mrecist_hcc(course((0, [20]), (56, ["23.9"])))) == ["SD"]
    assert target(assess_mrecist_hcc(course((0, [50]), (56, [35])))) == ["PR"]


@pytest.mark.parametrize(("size", "expected"), [("9.9", "SD"), ("10", "PD")])
def test_mrecist_new_nodules_count_from_ten_millimetres(size: str, expected: str) -> None:
    nodule = NewLesion("L1", diameter_mm=Decimal(size))
    assert overall(assess_mrecist_hcc(course((0, [20]), (56, [20], {"new": [nodule]})))) == [expected]


def test_brain_metastases_need_five_millimetres_in_one_lesion() -> None:
    """Mistake 2: the sum grew by 12 mm, no lesion by 5 mm; RECIST 1.1 calls it progression."""
    rows = course((0, [20, 20, 20]), (56, [24, 24, 24]))
    assert (target(assess_rano_bm(rows)), target(assess_recist(rows))) == (["SD"], ["PD"])
    for second, expected in (("17", "PD"), ("16.9", "SD")):
        assert target(assess_rano_bm(course((0, [20, 15]), (56, [25, second])))) == [expected]  # 42 of 35 is +20 %


def test_a_brain_lesion_is_compared_with_itself_at_the_nadir() -> None:
    rows = course((0, [30, 30]), (56, [10, 20]), (112, [15, 21]), (168, ["14.9", "21.1"]))
    assert target(assess_rano_bm(rows)) == ["PR", "PD", "PR"]


@pytest.mark.parametrize(
    ("value", "mg", "clinical", "expected"),
    [
        ("gone", 0, ClinicalStatus.STABLE, "CR"),
        ("gone", 4, ClinicalStatus.STABLE, "PR"),
        (20, 4, ClinicalStatus.STABLE, "PR"),
        (20, 6, ClinicalStatus.STABLE, "UNDETERMINED"),
        (30, 6, ClinicalStatus.STABLE, "UNDETERMINED"),
        (20, 4, ClinicalStatus.WORSE_FROM_OTHER_CAUSE, "SD"),
        (20, 4, ClinicalStatus.WORSE_FROM_TUMOUR, "PD"),
    ],
)
def test_brain_metastases_with_steroids_and_clinical_status(
    value: Any, mg: int, clinical: ClinicalStatus, expected: str
) -> None:
    start = {"steroid": SteroidDose(Decimal(4)), "clinical_status": ClinicalStatus.STABLE}
    now = {"steroid": SteroidDose(Decimal(mg)), "clinical_status": clinical}
    assert overall(assess_rano_bm(course((0, [30], start), (56, [value], now)))) == [expected]


def test_under_immunotherapy_a_new_brain_lesion_alone_is_no_progression() -> None:
    rows = course((0, [30]), (56, [30], {"new": ["L1"]}))
    assert overall(assess_rano_bm(rows)) == ["PD"]
    assert overall(assess_rano_bm(rows, CriteriaConfiguration(is_immunotherapy=True))) == ["SD"]


def test_a_brain_response_must_be_sustained() -> None:
    assert best(assess_rano_bm(course((0, [30]), (56, [20]), (83, [20])))) == "SD"
    assert best(assess_rano_bm(course((0, [30]), (56, [20]), (84, [20])))) == "PR"


def pet(day: int, *peaks: str, **more: Any) -> PetTimepoint:
    return PetTimepoint(day, tuple(Decimal(peak) for peak in peaks), **more)


LIVER = {"liver_mean": Decimal("1.8"), "liver_sd": Decimal("0.2")}  # threshold 1.5 x 1.8 + 2 x 0.2 = 3.1


@pytest.mark.parametrize(
    ("start", "now", "expected"),
    [
        ("10", "7", "PMR"),
        ("10", "7.01", "SMD"),
        ("4", "3.2", "SMD"),  # -20 %
        ("3.1", "2.3", "SMD"),  # -0.8 exactly but -25.8 %
        ("5", "6.55", "PMD"),
        ("3.1", "4.1", "PMD"),
        ("10", "13", "SMD"),
    ],
)
def test_percist(start: str, now: str, expected: str) -> None:
    assert overall(assess_percist((pet(0, start, **LIVER), pet(56, now)))) == [expected]


@pytest.mark.parametrize(("now", "expected"), [("1.2", "PMR"), ("1.21", "SMD")])
def test_percist_needs_eight_tenths_of_a_unit(now: str, expected: str) -> None:
    low = {"liver_mean": Decimal("0.9"), "liver_sd": Decimal("0.1")}  # threshold 1.55
    assert overall(assess_percist((pet(0, "2.0", **low), pet(56, now)))) == [expected]


def test_percist_follows_the_hottest_lesion_of_each_scan() -> None:
    verdict = assess_percist((pet(0, "8", "4", **LIVER), pet(56, "2", "6")))
    assert (verdict.latest.numbers.value, overall(verdict)) == (6, ["SMD"])


def test_percist_measurability_and_other_findings() -> None:
    assert pet(0, "3.1", **LIVER).is_measurable is True
    assert pet(0, "3.0", **LIVER).is_measurable is False
    assert pet(0, "3.0").is_measurable is None
    blood = PetTimepoint(0, (Decimal("3.2"),), blood_mean=Decimal("1.4"), blood_sd=Decimal("0.15"))
    assert blood.measurable_threshold == Decimal("3.1")
    assert overall(assess_percist((pet(0, "3.0", **LIVER), pet(56, "1.0")))) == ["NE"]
    assert overall(assess_percist((pet(0, "8", **LIVER), pet(56, "1.2", are_all_resolved=True)))) == ["CMR"]
    assert overall(assess_percist((pet(0, "8", **LIVER), pet(56, "2", new_lesion_ids=("L1",))))) == ["PMD"]
    assert overall(assess_percist((pet(0, "8", **LIVER), pet(56)))) == ["NE"]
    heavy = {"total_lesion_glycolysis": Decimal(100)}
    for after, expected in ((175, "SMD"), (176, "PMD")):
        later = pet(56, "8", total_lesion_glycolysis=Decimal(after))
        assert overall(assess_percist((pet(0, "8", **LIVER, **heavy), later))) == [expected]


def test_percist_says_when_scans_are_not_comparable() -> None:
    start = pet(0, "8", **LIVER, uptake_minutes=Decimal(60))
    for later, count in ((pet(56, "8", uptake_minutes=Decimal(75), **LIVER), 0), (pet(56, "8", uptake_minutes=76), 1)):
        assert len(assess_percist((start, later)).latest.review_flags) == count
    other_liver = pet(56, "8", liver_mean=Decimal("2.11"))
    assert assess_percist((start, other_liver)).latest.is_review_mandatory


@pytest.mark.parametrize(
    ("uptake", "score"), [("0", 1), ("1.5", 2), ("1.51", 3), ("2.2", 3), ("2.21", 4), ("4.4", 4), ("4.41", 5)]
)
def test_deauville_score(uptake: str, score: int) -> None:
    found = LymphomaUptake(Decimal(uptake), Decimal("1.5"), Decimal("2.2"), UptakeTrend.DECREASED)
    verdict = assess_lugano_pet(found)
    assert (verdict.score, verdict.response) == (score, "CMR" if score <= 3 else "PMR")


@pytest.mark.parametrize(
    ("trend", "is_new", "expected"),
    [
        (UptakeTrend.UNCHANGED, False, "NMR"),
        (UptakeTrend.INCREASED, False, "PMD"),
        (None, False, "NE"),
        (UptakeTrend.DECREASED, True, "PMD"),
    ],
)
def test_deauville_response(trend: UptakeTrend | None, is_new: bool, expected: str) -> None:
    found = LymphomaUptake(Decimal(3), Decimal("1.5"), Decimal("2.2"), trend, has_new_lesion=is_new)
    assert assess_lugano_pet(found).response == expected
    assert assess_lugano_pet(LymphomaUptake(None, None, None)).score is None


def ct(day: int, *nodes: tuple[Any, Any], **more: Any) -> LymphomaTimepoint:
    return LymphomaTimepoint(day, tuple(NodeDiameters(f"A{n}", *node) for n, node in enumerate(nodes)), **more)


@pytest.mark.parametrize(
    ("start", "now", "expected"),
    [
        ((40, 30), (30, 20), "PR"),  # 1200 to 600
        ((40, 30), (30, Decimal("20.1")), "SD"),
        ((40, 30), (15, 15), "CR"),
        ((40, 30), (Decimal("15.1"), 12), "PR"),
        ((16, 8), (20, 10), "SD"),  # +56 % of the product, 4 and 2 mm
        ((16, 8), (21, 10), "PD"),  # 5 mm
        ((20, 10), (25, 12), "PD"),  # LDi 20 mm at nadir: 5 mm suffice
        ((21, 10), (30, 12), "SD"),  # above 20 mm 10 mm are needed
        ((21, 10), (31, 12), "PD"),
        ((21, 10), (22, 20), "PD"),  # SDi grew by 10 mm
        ((10, 8), (15, 14), "CR"),  # not above 15 mm
        ((40, 30), (None, None), "NE"),
    ],
)
def test_lugano_ct(start: tuple[Any, Any], now: tuple[Any, Any], expected: str) -> None:
    assert overall(assess_lugano_ct((ct(0, start), ct(56, now)))) == [expected]


def test_lugano_compares_each_node_with_its_own_nadir() -> None:
    rows = (ct(0, (40, 30), (30, 30)), ct(56, (20, 10), (30, 30)), ct(112, (25, 12), (20, 20)))
    assert overall(assess_lugano_ct(rows)) == ["SD", "PD"]  # 1100 of 2100; then node A0 300 of 200, +5 mm


def test_lugano_other_findings_and_limits() -> None:
    assert overall(assess_lugano_ct((ct(0, (40, 30)), ct(56, (10, 10), new_lesion_ids=("L1",))))) == ["PD"]
    assert overall(assess_lugano_ct((ct(0, (40, 30)), ct(56, (10, 10), is_spleen_progressing=True)))) == ["PD"]
    with pytest.raises(InvalidInputError, match="at most 6"):
        assess_lugano_ct((ct(0, *[(20, 20)] * 7),))
    with pytest.raises(InvalidInputError, match="longer"):
        NodeDiameters("A", Decimal(10), Decimal(12))


@pytest.mark.parametrize(
    ("now", "expected"),
    [("34.3", "PR"), ("34.301", "SD"), ("172.8", "PD"), ("172.799", "SD"), ("0", "CR"), (None, "NE")],
)
def test_volumes_at_the_thresholds_of_a_sphere(now: str | None, expected: str) -> None:
    assert Fraction(7, 10) ** 3 == Fraction(343, 1000)
    volume = None if now is None else Decimal(now)
    verdict = assess_volumes((VolumeTimepoint(0, Decimal(100)), VolumeTimepoint(56, volume)))
    assert overall(verdict) == [expected]
    assert "Exploratory" in verdict.warnings[0]


@pytest.mark.parametrize(
    ("first", "second", "days", "pace"),
    [
        ("200", "400", 100, "positive"),
        ("200", "400", 399, "positive"),
        ("200", "400", 400, "indeterminate"),  # exactly 400 days
        ("200", "400", 600, "indeterminate"),
        ("200", "400", 601, "negative"),
        ("1000", "1250", 90, "positive"),
        ("1000", "1249.9", 90, "negative"),
        ("400", "200", 100, "negative"),
        ("300", "300", 100, "negative"),
    ],
)
def test_nodule_growth(first: str, second: str, days: int, pace: str) -> None:
    growth = nodule_growth_from_volumes(Decimal(first), Decimal(second), days=days)
    assert growth.pace == pace
    ratio = float(second) / float(first)
    if ratio == 1:
        assert growth.doubling_time_days is None
    else:
        assert growth.doubling_time_days is not None
        assert float(growth.doubling_time_days) == pytest.approx(days * log(2) / log(ratio), rel=1e-12)


@pytest.mark.parametrize(
    ("second", "days", "lung_rads", "fleischner"),
    [("9.5", 180, False, False), ("9.6", 180, True, False), ("9.6", 400, False, False), ("10.0", 180, True, True)],
)
def test_nodule_growth_by_diameter(second: str, days: int, lung_rads: bool, fleischner: bool) -> None:
    growth = nodule_growth_from_diameters(Decimal(8), Decimal(second), days=days)
    assert (growth.is_lung_rads_growth, growth.is_fleischner_growth) == (lung_rads, fleischner)
    expected = days * log(2) / (3 * log(float(second) / 8))
    assert growth.doubling_time_days is not None
    assert float(growth.doubling_time_days) == pytest.approx(expected, rel=1e-12)


def test_a_nodule_must_be_there_twice() -> None:
    for first, second, days in ((0, 100, 90), (100, 0, 90), (100, 100, 0)):
        with pytest.raises(InvalidInputError):
            nodule_growth_from_volumes(Decimal(first), Decimal(second), days=days)

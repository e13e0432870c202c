"""From what is followed to what each criterion judges: nothing that nobody recorded becomes a number."""

from __future__ import annotations

from dataclasses import asdict, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.services.assessments import to_plain
from studies.tracking.change import NODES_IN_SUM
from studies.tracking.courses import COMPUTABLE, assess, configure, to_brain_course, to_diameter_course
from studies.tracking.criteria.brain_inputs import TumourComponent
from studies.tracking.criteria.errors import BaselineMissingError, ConfigurationError, CriteriaInputError, SameDayError
from studies.tracking.criteria.inputs import Certainty, LesionKind, LesionRole, TargetState
from studies.tracking.criteria.lugano_pet import UptakeTrend
from studies.tracking.criteria.verdict import Criterion, Response
from studies.tracking.flip_explanation import explain_difference
from studies.tracking.followed import (
    FollowedLesion,
    FollowedObservation,
    FollowedPart,
    FollowedPatient,
    FollowedState,
    FollowedTimepoint,
    recorded_mm,
)
from studies.tracking.insight import find_insight, sums_of
from studies.tracking.non_target_growth import ask_about_non_targets
from studies.tracking.response_bands import find_bands


def part(length: str, across: str = "8", ml: str = "1") -> FollowedPart:
    values = [Decimal(each) for each in (length, across, ml)]
    ends = [(value - Decimal("0.1"), value + Decimal("0.1")) for value in values]
    return FollowedPart(*values, *ends)


def seen(lesion: str, *lengths: str, state: FollowedState = FollowedState.MEASURED) -> FollowedObservation:
    return FollowedObservation(lesion, state, tuple(part(each) for each in lengths))


def date(day: int, *observations: FollowedObservation) -> FollowedTimepoint:
    return FollowedTimepoint(day, observations)


L1, L2 = (FollowedLesion(name, "liver", role=LesionRole.TARGET) for name in ("L1", "L2"))
NEW = FollowedLesion("L3", "lung")
STEADY = FollowedPatient(
    (L1, L2), (date(0, seen("L1", "30"), seen("L2", "20")), date(56, seen("L1", "30"), seen("L2", "20")))
)


def glow(timepoint: FollowedTimepoint) -> FollowedTimepoint:
    """The same with a SULpeak on every lesion."""
    observations = tuple(
        replace(each, parts=tuple(replace(p, sul_peak=Decimal(6), total_glycolysis=Decimal(20)) for p in each.parts))
        for each in timepoint.observations
    )
    return replace(timepoint, observations=observations)


GLOWING = replace(STEADY, timepoints=tuple(glow(each) for each in STEADY.timepoints))
RECORDED = replace(
    GLOWING,
    lesions=(
        replace(L1, component=TumourComponent.ENHANCING),
        replace(L2, component=TumourComponent.NON_ENHANCING),
    ),
    timepoints=tuple(
        replace(
            each,
            liver_mean=Decimal("2.0"),
            liver_sd=Decimal("0.2"),
            deauville_score=4,
            uptake_trend=UptakeTrend.UNCHANGED,
        )
        for each in GLOWING.timepoints
    ),
)
"""The same with all that a reader can record beside: threshold of PERCIST 1.5 x 2 + 2 x 0.2 = 3.4."""


def test_without_uptake_there_is_no_percist() -> None:
    with pytest.raises(CriteriaInputError, match="no SULpeak"):
        assess(STEADY, Criterion.PERCIST)


def later(*observations: FollowedObservation, lesions: tuple[FollowedLesion, ...] = (L1, L2)) -> FollowedPatient:
    return replace(STEADY, lesions=lesions, timepoints=(STEADY.baseline, date(56, *observations)))


@pytest.mark.parametrize("state", [FollowedState.UNMARKED, FollowedState.PRESENT, FollowedState.NOT_EVALUABLE])
def test_a_target_without_a_number_is_never_zero(state: FollowedState) -> None:
    patient = later(seen("L1", "10"), FollowedObservation("L2", state))
    assert to_diameter_course(patient).timepoints[1].targets[1].state is TargetState.NOT_EVALUABLE
    assert assess(patient, Criterion.RECIST_1_1).latest.overall_response is Response.NE
    assert to_brain_course(patient).timepoints[1].products_mm2 is None
    assert sums_of(patient)[1] is None


def test_a_lesion_that_the_record_does_not_mention_is_not_evaluated() -> None:
    assert assess(later(seen("L1", "10")), Criterion.RECIST_1_1).latest.overall_response is Response.NE


def test_gone_and_merged_count_zero_and_fragments_add_up() -> None:
    gone = later(seen("L1", "12", "13"), FollowedObservation("L2", FollowedState.ABSENT))
    assert assess(gone, Criterion.RECIST_1_1).latest.numbers.value == 25
    merged = later(seen("L1", "40"), FollowedObservation("L2", FollowedState.MERGED))
    assert assess(merged, Criterion.RECIST_1_1).latest.numbers.value == 40
    assert to_brain_course(gone).timepoints[1].products_mm2 == (Decimal(200), Decimal(0))  # (12 + 13) x 8


def test_what_was_not_there_at_baseline_is_new_whatever_role_it_was_given() -> None:
    patient = later(
        seen("L1", "30"), seen("L2", "20"), seen("L3", "9"), lesions=(L1, L2, replace(NEW, role=LesionRole.TARGET))
    )
    (new,) = to_diameter_course(patient).timepoints[1].new_lesions
    assert (new.lesion_id, new.certainty) == ("L3", Certainty.EQUIVOCAL)
    assert assess(patient, Criterion.RECIST_1_1).latest.overall_response is Response.SD
    sure = replace(patient, lesions=(L1, L2, replace(NEW, certainty=Certainty.UNEQUIVOCAL)))
    verdict = assess(sure, Criterion.RECIST_1_1).latest
    assert (verdict.overall_response, verdict.clause.rule_id) == (Response.PD, "R11.O.NEW")


def test_a_node_counts_with_its_short_axis() -> None:
    node = replace(L1, kind=LesionKind.NODE)
    patient = replace(STEADY, lesions=(node, L2))
    assert assess(patient, Criterion.RECIST_1_1).latest.numbers.value == 8 + 20


def test_days_out_of_order_and_a_missing_baseline_are_refused() -> None:
    with pytest.raises(BaselineMissingError, match="baseline"):
        FollowedPatient((), ())
    with pytest.raises(SameDayError):
        FollowedPatient((L1,), (date(0, seen("L1", "30")), date(0, seen("L1", "30"))))


@pytest.mark.parametrize("criterion", COMPUTABLE)
def test_every_criterion_that_is_offered_judges(criterion: Criterion) -> None:
    is_of_one_part = criterion in (Criterion.RANO_2_0, Criterion.MRANO, Criterion.RANO_HGG, Criterion.RANO_LGG)
    verdict = assess(replace(RECORDED, lesions=(L1, L2)) if is_of_one_part else RECORDED, criterion)
    assert verdict.criterion is criterion
    assert len(verdict.timepoints) == 2
    assert verdict.latest.clause.sentence
    own_words = {
        Criterion.IRECIST: Response.ISD,
        Criterion.PERCIST: Response.SMD,
        Criterion.LUGANO_PET: Response.NMR,
    }
    assert verdict.latest.overall_response is own_words.get(criterion, Response.SD)


def test_what_a_reader_must_enter_is_not_guessed() -> None:
    assert assess(STEADY, Criterion.LUGANO_PET).latest.overall_response is Response.NE
    with pytest.raises(CriteriaInputError, match="which part of the tumour L1, L2 is"):
        assess(STEADY, Criterion.RANO_MIXED)
    said = assess(GLOWING, Criterion.PERCIST)
    assert "measurable is unknown" in said.latest.warnings[0]
    assert "threshold 3.4 by the liver" in assess(RECORDED, Criterion.PERCIST).timepoints[0].clause.sentence


def test_the_parts_of_a_glioma_are_judged_apart() -> None:
    """L1 grows by 40 % in one diameter, L2 shrinks by half: together a little more, apart progression."""
    moved = date(56, seen("L1", "42"), seen("L2", "10"))
    patient = replace(RECORDED, timepoints=(RECORDED.baseline, moved))
    assert assess(replace(patient, lesions=(L1, L2)), Criterion.RANO_2_0).latest.overall_response is Response.SD
    joined = assess(patient, Criterion.RANO_MIXED).latest
    assert (joined.overall_response, joined.target_response, joined.non_target_response) == (
        Response.PD,
        Response.PD,
        Response.PR,
    )
    # 30 x 8 and 42 x 8: the numbers are of the enhancing part alone
    assert (joined.numbers.baseline, joined.numbers.value) == (240, 336)
    assert joined.numbers.quantity == "sum of products of the enhancing component"


def test_parts_of_a_tumour_are_never_added_up_by_a_criterion_that_measures_one() -> None:
    both = replace(
        STEADY,
        lesions=(
            replace(L1, component=TumourComponent.ENHANCING),
            replace(L2, component=TumourComponent.NON_ENHANCING),
        ),
    )
    for criterion in (Criterion.RANO_2_0, Criterion.MRANO, Criterion.RANO_HGG):
        with pytest.raises(CriteriaInputError, match=r"enhancing tumour and L2 was said .* RANO 2\.0, mixed"):
            assess(both, criterion)
    with pytest.raises(CriteriaInputError, match="non-enhancing tumour and L1"):
        assess(both, Criterion.RANO_LGG)
    dark = replace(both, lesions=tuple(replace(each, component=TumourComponent.NON_ENHANCING) for each in both.lesions))
    assert assess(dark, Criterion.RANO_2_0).latest.overall_response == Response.SD


def test_a_plan_changes_a_criterions_own_values_and_no_others() -> None:
    assert configure(Criterion.RANO_BM, {"min_confirm_days": 30}).confirmation_required
    assert configure(Criterion.RANO_BM, {"min_confirm_days": "30"}).min_confirm_days == 30
    assert configure(Criterion.RECIST_1_1, {"too_small_mm": "4.5"}).too_small_mm == Decimal("4.5")
    for wrong in (
        {"guess": 1},
        {"min_sd_days": "soon"},
        {"min_sd_days": 1.5},
        {"confirm_pd": "maybe"},
        {"is_immunotherapy": 1},
    ):
        with pytest.raises(ConfigurationError):
            configure(Criterion.RECIST_1_1, wrong)


def test_lengths_are_recorded_to_a_tenth_of_a_millimetre() -> None:
    assert recorded_mm(12.349999) == Decimal("12.3")
    assert recorded_mm(12.25) == Decimal("12.2")  # halves to even
    assert recorded_mm(12.35) == Decimal("12.4")


def test_the_lines_of_the_chart_are_where_the_verdict_changes() -> None:
    bands = find_bands(assess(STEADY, Criterion.RECIST_1_1).latest)
    assert bands is not None
    assert (bands.partial_at, bands.progression_at) == (Decimal(35), Decimal(60))
    for length, response in (
        ("15.1", Response.SD),
        ("15.0", Response.PR),
        ("39.9", Response.SD),
        ("40.0", Response.PD),
    ):
        patient = later(seen("L1", length), seen("L2", "20"))
        assert assess(patient, Criterion.RECIST_1_1).latest.overall_response is response
    small = replace(STEADY, lesions=(L2,), timepoints=(date(0, seen("L2", "20")), date(56, seen("L2", "20"))))
    bands = find_bands(assess(small, Criterion.RECIST_1_1).latest)
    assert bands is not None
    assert bands.progression_at == 25  # 5 mm weigh more than 20 % there
    products = find_bands(assess(STEADY, Criterion.RANO_2_0).latest)
    assert products is not None
    # Half of 30 x 8 + 20 x 8 mm2, and a quarter more.
    assert (products.partial_at, products.progression_at) == (Decimal(200), Decimal(500))


def test_lines_follow_the_smallest_sum_so_far() -> None:
    shrunk = date(56, seen("L1", "10"), seen("L2", "20"))
    regrown = date(112, seen("L1", "12"), seen("L2", "20"))
    course = assess(replace(STEADY, timepoints=(STEADY.baseline, shrunk, regrown)), Criterion.MRECIST_HCC)
    bands = [find_bands(each) for each in course.timepoints]
    assert [each and each.progression_at for each in bands] == [60, 36, 36]  # 20 % above 50, 30, 30: no 5 mm here
    assert [each and each.partial_at for each in bands] == [35, 35, 35]


def test_no_lines_without_a_sum_to_judge_against() -> None:
    without = replace(STEADY, lesions=tuple(replace(each, role=LesionRole.NON_TARGET) for each in (L1, L2)))
    assert find_bands(assess(without, Criterion.RECIST_1_1).latest) is None
    assert find_bands(assess(STEADY, Criterion.LUGANO_CT).latest) is None


def test_a_difference_is_told_by_lesion_and_day() -> None:
    before, after = (to_plain(asdict(each)) for each in (STEADY, later(seen("L1", "38"), seen("L2", "20"))))
    assert explain_difference(before, after) == ("Day 56, L1: was 30 x 8 mm, is 38 x 8 mm.",)
    assert explain_difference(before, before) == ()
    other = to_plain(asdict(replace(STEADY, lesions=(L1, replace(L2, role=LesionRole.NON_TARGET)))))
    assert explain_difference(before, other) == ("L2: role was target, is non target.",)
    gone = to_plain(asdict(later(seen("L1", "30"), FollowedObservation("L2", FollowedState.ABSENT))))
    assert explain_difference(before, gone) == ("Day 56, L2: was 20 x 8 mm, is absent.",)


def test_what_stands_behind_a_verdict() -> None:
    patient = later(seen("L1", "38"), seen("L2", "21"))
    insight = find_insight(patient, Criterion.RECIST_1_1, configure(Criterion.RECIST_1_1))
    assert insight.selection is not None
    assert insight.selection.total == 3
    assert dict(insight.selection.counts) == {Response.PD: 1, Response.SD: 2}  # L1 alone grew by 27 %
    assert insight.flip_margins[0].change_mm == Decimal("1.0")  # 60 mm is +20 %
    assert insight.mixed_response is not None
    assert [each.lesion for each in insight.growth] == ["L1", "L2"]
    of_sum = [(each.reference, each.from_day, each.to_day, each.change.new) for each in insight.sum_changes]
    assert of_sum == [("baseline", 0, 56, 59.0), ("nadir", 0, 56, 59.0), ("previous", 0, 56, 59.0)]
    days, burdens = zip(*insight.burden, strict=True)
    assert days == (0, 56)
    assert burdens[1].all.diameters.value == pytest.approx(59.0)


@given(st.permutations(["L1", "L2"]), st.integers(100, 400), st.integers(100, 400))
def test_the_order_of_lesions_and_observations_does_not_matter(order: list[str], one: int, two: int) -> None:
    lengths = {"L1": f"{one / 10}", "L2": f"{two / 10}"}
    patient = later(
        *(seen(name, lengths[name]) for name in order),
        lesions=tuple(sorted((L1, L2), key=lambda x: order.index(x.name))),
    )
    straight = later(seen("L1", lengths["L1"]), seen("L2", lengths["L2"]))
    for criterion in (Criterion.RECIST_1_1, Criterion.RANO_2_0):
        found, expected = assess(patient, criterion).latest, assess(straight, criterion).latest
        assert (found.overall_response, found.numbers.value) == (expected.overall_response, expected.numbers.value)


def test_a_non_target_that_grows_is_asked_about_until_a_reader_has_looked() -> None:
    lesions = (L1, replace(L2, role=LesionRole.NON_TARGET))
    grown = later(seen("L1", "30"), seen("L2", "25"), lesions=lesions)
    (question,) = ask_about_non_targets(grown)
    assert question.startswith("L2, a non-target, grew from 20 to 25 mm (+25.0 %).")
    assert ask_about_non_targets(later(seen("L1", "30"), seen("L2", "24.9"), lesions=lesions)) == ()  # less than 5 mm
    assert ask_about_non_targets(later(seen("L1", "60"), seen("L2", "20"), lesions=lesions)) == ()  # targets are judged
    looked = replace(seen("L2", "25"), is_confirmed=True)
    assert ask_about_non_targets(later(seen("L1", "30"), looked, lesions=lesions)) == ()
    said = replace(seen("L2", "25"), is_unequivocal_progression=True)
    stated = later(seen("L1", "30"), said, lesions=lesions)
    assert ask_about_non_targets(stated) == ()
    assert assess(stated, Criterion.RECIST_1_1).latest.overall_response is Response.PD


def test_a_sum_of_nodes_alone_has_no_interval_and_beside_others_says_what_is_assumed() -> None:
    first, second = (replace(each, kind=LesionKind.NODE) for each in (L1, L2))
    moved = later(seen("L1", "38"), seen("L2", "21"), lesions=(first, second))
    change = find_insight(moved, Criterion.RECIST_1_1, configure(Criterion.RECIST_1_1)).sum_changes[0].change
    assert (change.interval, change.growth_probability) == (None, None)
    assert change.unknown_because.startswith("Unknown, because no repeatability figure is known for short axis")
    mixed = replace(moved, lesions=(first, L2))
    change = find_insight(mixed, Criterion.RECIST_1_1, configure(Criterion.RECIST_1_1)).sum_changes[0].change
    assert change.interval is not None
    assert change.basis.endswith(NODES_IN_SUM)

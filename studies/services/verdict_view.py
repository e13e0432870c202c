"""A verdict put together for the browser: dates beside days, intervals beside sums, overrides and flips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from studies.models import Patient, Timepoint, User
from studies.permissions import visible_patients
from studies.services.assessments import PatientAssessment, assess_patient, find_flip, find_overrides
from studies.services.comparability import compare_series
from studies.tracking.burden import WholeBurden
from studies.tracking.criteria.errors import CriteriaInputError
from studies.tracking.criteria.exact import PercentChange
from studies.tracking.criteria.verdict import Criterion, Numbers, TimepointVerdict
from studies.tracking.due_dates import list_due_dates
from studies.tracking.insight import Insight, find_insight, find_sum_change, sums_of
from studies.tracking.measurement_error import Measured
from studies.tracking.response_bands import find_bands, find_shares

Plain = dict[str, Any]
MOST_IN_COHORT = 200
_SUMMED = "mm"
"""The unit of the one number whose intervals are known: the sum of the targets' diameters."""


def view_assessment(patient: Patient, criterion: Criterion | None = None) -> Plain:
    """Return what a criterion says of a patient, ready for `AssessmentSerializer`."""
    found = assess_patient(patient, criterion)
    verdict = found.verdict
    sums = sums_of(found.record.patient)
    return {
        "criterion": found.criterion,
        "is_planned": found.criterion == found.record.plan.criterion,
        "digest": found.digest,
        "questions": found.record.questions,
        "timepoints": [
            _view_timepoint(each, timepoint, measured)
            for each, timepoint, measured in zip(verdict.timepoints, found.record.timepoints, sums, strict=True)
        ],
        "best_overall_response": verdict.best_overall_response,
        "progression_day": verdict.progression_day,
        "unconfirmed_progression_day": verdict.unconfirmed_progression_day,
        "pseudoprogression_days": verdict.pseudoprogression_days,
        "configuration_version": verdict.configuration_version,
        "warnings": verdict.warnings,
        "review_flags": verdict.review_flags,
        "overrides": find_overrides(patient, found.digest),
        "flip": find_flip(patient, found.criterion),
        "due": _view_due(found),
    }


def view_insight(patient: Patient, criterion: Criterion | None = None) -> Plain:
    """Return what stands behind the latest verdict, ready for `InsightSerializer`."""
    found = assess_patient(patient, criterion)
    insight = find_insight(found.record.patient, found.criterion, found.configuration)
    return {
        "digest": found.digest,
        "criterion": found.criterion,
        "probability": _view_probability(insight),
        "selection": _view_selection(insight),
        "selection_unknown": insight.selection_unknown,
        "flip_margins": insight.flip_margins,
        "flip_unknown": insight.flip_unknown,
        "lesion_changes": insight.lesion_changes,
        "sum_changes": insight.sum_changes,
        "growth": insight.growth,
        "side_by_side": [
            {
                "criterion": each.criterion,
                "overall_response": each.latest.overall_response,
                "clause": each.latest.clause,
            }
            for each in insight.comparison.verdicts
        ],
        "disagreements": [
            each
            for each in insight.comparison.disagreements
            if each.days_from_baseline == found.verdict.latest.days_from_baseline
        ],
        "comparability": _view_comparability(found),
        "burden": [{"day": day, **_view_burden(each)} for day, each in insight.burden],
        "mixed_response": insight.mixed_response,
    }


def view_cohort(user: User, criterion: Criterion) -> list[Plain]:
    """Return the patients a person sees whose lesions are followed, with the course of each; at most 200."""
    patients = visible_patients(user).filter(studies__timepoint__isnull=False).distinct()[:MOST_IN_COHORT]
    return [row for patient in patients if (row := _view_member(patient, criterion)) is not None]


def _view_member(patient: Patient, criterion: Criterion) -> Plain | None:
    try:
        found = assess_patient(patient, criterion)
    except CriteriaInputError:
        return None  # the patient's own page says why
    changes = [
        (percent, place, each)
        for place, each in enumerate(found.verdict.timepoints)
        if place and (percent := _percent(each.numbers.percent_from_baseline)) is not None
    ]
    best = min(changes, key=lambda each: each[0], default=None)
    days = {each.study.study_date: each for each in found.record.timepoints}
    return {
        "patient_id": patient.pk,
        "patient_name": patient.patient_name,
        "best_percent": best[0] if best else None,
        **_view_best(found, best[1] if best else None),
        **_view_lines(found),
        "best_day": best[2].days_from_baseline if best else None,
        "best_overall_response": found.verdict.best_overall_response.response,
        "latest_response": found.verdict.latest.overall_response,
        "is_provisional": bool(found.record.questions),
        "baseline_date": min(day for day in days if day is not None),
        "latest_study_id": found.record.timepoints[-1].study_id,
        "responses": [
            {"day": each.days_from_baseline, "response": each.overall_response, "study_id": timepoint.study_id}
            for each, timepoint in zip(found.verdict.timepoints, found.record.timepoints, strict=True)
        ],
        "therapy": list(patient.therapy_lines.all()),
    }


def _view_best(found: PatientAssessment, place: int | None) -> Plain:
    """Return the 95 % interval of the best change, or why there is none."""
    if place is None:
        return {"best_low_percent": None, "best_high_percent": None, "best_unknown_because": ""}
    numbers = found.verdict.timepoints[place].numbers
    change = find_sum_change(found.record.patient, place) if numbers.unit == _SUMMED else None
    if change is None:
        said = f"Unknown, because no repeatability figure is known for a {numbers.quantity}."
        incomplete = "Unknown, because not every target was measured on both dates."
        why = incomplete if numbers.unit == _SUMMED else said
        return {"best_low_percent": None, "best_high_percent": None, "best_unknown_because": why}
    return {
        "best_low_percent": change.interval.low_percent if change.interval else None,
        "best_high_percent": change.interval.high_percent if change.interval else None,
        "best_unknown_because": change.unknown_because,
    }


def _view_lines(found: PatientAssessment) -> Plain:
    """Return where the criterion's lines lie for a change from baseline, percent."""
    shares = find_shares(found.criterion, found.verdict.latest.numbers.unit)
    partial, progression = shares or (None, None)
    return {
        "partial_percent": None if partial is None else float((partial - 1) * 100),
        "progression_percent": None if progression is None else float((progression - 1) * 100),
    }


def _view_timepoint(verdict: TimepointVerdict, timepoint: Timepoint, measured: Measured | None) -> Plain:
    return {
        "timepoint_id": timepoint.pk,
        "study_id": timepoint.study_id,
        "study_date": timepoint.study.study_date,
        "day": verdict.days_from_baseline,
        "overall_response": verdict.overall_response,
        "target_response": verdict.target_response,
        "non_target_response": verdict.non_target_response,
        "clause": verdict.clause,
        "clauses": verdict.clauses,
        "numbers": _view_numbers(verdict.numbers, measured),
        "bands_after": find_bands(verdict),
        "configuration": verdict.configuration,
        "warnings": verdict.warnings,
        "review_flags": verdict.review_flags,
    }


def _view_numbers(numbers: Numbers, measured: Measured | None) -> Plain:
    is_sum = numbers.unit == _SUMMED and measured is not None
    return asdict(numbers) | {
        "low": measured.low if is_sum and measured else None,
        "high": measured.high if is_sum and measured else None,
        "percent_from_baseline": _say(numbers.percent_from_baseline),
        "percent_from_nadir": _say(numbers.percent_from_nadir),
        "composition": [{"lesion": lesion, "value": value} for lesion, value in numbers.composition],
    }


def _view_probability(insight: Insight) -> Plain:
    found = insight.probability
    return {
        "shares": [{"response": response, "share": share} for response, share in found.probabilities],
        "draws": found.draws,
        "seed": found.seed,
        "monte_carlo_error": found.monte_carlo_error,
        "basis": found.basis,
        "unknown_because": found.unknown_because,
    }


def _view_selection(insight: Insight) -> Plain | None:
    found = insight.selection
    if found is None:
        return None
    return {
        "total": found.total,
        "counts": [{"response": response, "count": count} for response, count in found.counts],
        "present_response": found.present_response,
        "sentence": found.sentence,
    }


def _view_comparability(found: PatientAssessment) -> Sequence[Mapping[str, Any]]:
    """Return for each later date how its images differ from the baseline's."""
    baseline, *later = found.record.timepoints
    rows = []
    for timepoint in later:
        compared = compare_series(baseline.segmentation.series, timepoint.segmentation.series)
        rows.append({"timepoint_id": timepoint.pk, "mismatches": compared.mismatches, "notes": compared.notes})
    return rows


def _view_burden(burden: WholeBurden) -> Plain:
    return {
        "count": burden.all.count,
        "diameters": burden.all.diameters,
        "volumes": burden.all.volumes,
        "not_measured": burden.all.without_volume,
        "by_organ": [
            {"organ": organ, "count": each.count, "volume_ml": each.volumes.value} for organ, each in burden.by_organ
        ],
    }


def _view_due(found: PatientAssessment) -> list[Plain]:
    """Return what is due after the latest timepoint, and how that stands today."""
    baseline = found.record.timepoints[0].study.study_date
    if baseline is None:
        return []
    due = list_due_dates(
        found.verdict,
        baseline,
        configuration=found.configuration,
        radiotherapy_end_day=found.record.patient.radiotherapy_end_day,
    )
    return [asdict(each) | {"state": each.state_on(timezone.localdate())} for each in due]


def _percent(change: PercentChange | None) -> float | None:
    return None if change is None or change.fraction is None else float(change.fraction * 100)


def _say(change: PercentChange | None) -> str:
    return "" if change is None else str(change)

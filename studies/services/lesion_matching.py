"""Finding the patient's lesions again at each timepoint: proposals from the pure rooms, written into the record.

Timepoints are matched in the order of their dates, each against what is known by then; what a person confirmed stands,
the rest is proposed anew whenever something before it changes. Nothing is matched over a registration that is not
there yet, and everything asks where the registration is doubtful.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from studies.errors import DomainError
from studies.models import (
    Lesion,
    LesionObservation,
    MatchingState,
    Patient,
    SegmentationRevision,
    Timepoint,
    User,
)
from studies.queue import StudyTask, enqueue_on_commit
from studies.services.assessments import settle_tracking
from studies.services.lesion_findings import Component, Finding, Known, find_again, read_known
from studies.services.lesion_places import PlacedRevision, read_places
from studies.services.lesion_roles import suggest_roles
from studies.services.lesion_ways import Way, find_ways
from studies.services.measurements import measure_revision

MATCHING_VERSION = 1


def enqueue_matching(patient: Patient) -> None:
    """Have the patient's timepoints matched once the present transaction has committed."""
    enqueue_on_commit(StudyTask.MATCH_LESIONS, patient_id=patient.pk)


def match_lesions(patient_id: UUID) -> None:
    """Match every timepoint of a patient whose inputs changed, earliest first.

    Stops at the first that waits for a registration: later ones build on it. Run twice it changes nothing.
    """
    patient = Patient.objects.filter(pk=patient_id).first()
    if patient is None:
        return
    timepoints = Timepoint.objects.filter(study__patient=patient, excluded_reason="")
    is_changed = False
    for timepoint in timepoints.select_related("study", "segmentation__series__study"):
        state, has_changed = _match_timepoint(patient, timepoint)
        is_changed = is_changed or has_changed
        if state is MatchingState.WAITING:
            break
    if is_changed:
        with transaction.atomic():
            Patient.objects.select_for_update().get(pk=patient_id)
            suggest_roles(patient)
            settle_tracking(patient)


def _match_timepoint(patient: Patient, timepoint: Timepoint) -> tuple[MatchingState, bool]:
    """Match one timepoint; return its state and whether the record changed."""
    revision = timepoint.segmentation.revisions.order_by("number").last()
    if revision is None:
        return _fail(timepoint, "timepoint.no_revision", "The segmentation is empty: draw or run a model first.")
    known = read_known(patient, timepoint)
    try:
        places = read_places(revision)
        measured = measure_revision(revision)
    except DomainError as error:
        return _fail(timepoint, error.code, error.message)
    ways = _read_ways(patient, timepoint, known)
    if ways is None:
        changed = timepoint.matching_state != MatchingState.WAITING
        Timepoint.objects.filter(pk=timepoint.pk).update(
            matching_state=MatchingState.WAITING, problem_code="", problem="", inputs_digest=""
        )
        return MatchingState.WAITING, changed
    digest = _digest_inputs(revision, known, ways)
    if digest == timepoint.inputs_digest:
        return MatchingState(timepoint.matching_state), False
    findings = find_again(known, places, timepoint, ways)
    rows = {(each["segment_number"], each["lesion_number"]): each for each in measured.lesions}
    _write(patient, timepoint, revision, findings, rows, places, digest)
    return MatchingState.MATCHED, True


def _fail(timepoint: Timepoint, code: str, problem: str) -> tuple[MatchingState, bool]:
    """Note why nothing could be measured; numbers from an earlier state do not stay behind."""
    with transaction.atomic():
        LesionObservation.objects.filter(timepoint=timepoint, confirmed_by=None).delete()
        rows = Timepoint.objects.filter(pk=timepoint.pk).exclude(
            matching_state=MatchingState.FAILED, problem_code=code, problem=problem
        )
        changed = rows.update(matching_state=MatchingState.FAILED, problem_code=code, problem=problem, inputs_digest="")
        _drop_orphans(timepoint.study.patient)
    return MatchingState.FAILED, bool(changed)


def _read_ways(patient: Patient, timepoint: Timepoint, known: Known) -> dict[UUID, Way] | None:
    """Return for each series lesions were last seen on its way here; None where one is not there yet."""
    followed = Timepoint.objects.filter(study__patient=patient, excluded_reason="")
    dates = [each.segmentation.series for each in followed.select_related("segmentation__series__study")]
    priors = {each.timepoint.segmentation.series for each in known.last_seen.values()}
    return find_ways(dates, sorted(priors, key=lambda each: str(each.pk)), timepoint.segmentation.series)


@transaction.atomic
def _write(
    patient: Patient,
    timepoint: Timepoint,
    revision: SegmentationRevision,
    findings: list[Finding],
    rows: Mapping[Component, Mapping[str, Any]],
    places: PlacedRevision,
    digest: str,
) -> None:
    """Write the findings in place of what was proposed before; under the patient's lock."""
    Patient.objects.select_for_update().get(pk=patient.pk)
    row = Timepoint.objects.select_for_update().get(pk=timepoint.pk)
    if row.inputs_digest != timepoint.inputs_digest or row.segmentation_id != timepoint.segmentation_id:
        enqueue_matching(patient)  # somebody was faster: what was read here is old
        return
    confirmed = {
        each.lesion_id: each for each in LesionObservation.objects.filter(timepoint=row) if each.confirmed_by_id
    }
    LesionObservation.objects.filter(timepoint=row, confirmed_by=None).delete()
    for finding in findings:
        key = finding.lesion_id or begin_lesion(patient, places.label_of(finding.components[0])).pk
        values = {
            "state": finding.state,
            "components": [list(component) for component in finding.components],
            "measurements": [rows[component] for component in finding.components],
            "merged_into_id": finding.merged_into,
        }
        if key in confirmed:
            LesionObservation.objects.filter(pk=confirmed[key].pk).update(**values)
        else:
            LesionObservation.objects.create(lesion_id=key, timepoint=row, proposal=finding.proposal, **values)
    row.revision, row.inputs_digest = revision, digest
    row.matching_state, row.problem_code, row.problem = MatchingState.MATCHED, "", ""
    row.save(update_fields=["revision", "inputs_digest", "matching_state", "problem_code", "problem"])
    _drop_orphans(patient)


def begin_lesion(patient: Patient, label: str, *, created_by: User | None = None) -> Lesion:
    """Record a lesion with a number and a tracking UID of its own; under the patient's lock."""
    last = Lesion.objects.filter(patient=patient).order_by("-number").first()
    return Lesion.objects.create(
        patient=patient,
        number=(last.number if last else 0) + 1,
        tracking_uid=f"2.25.{uuid.uuid4().int}",
        segment_label=label,
        created_by=created_by,
    )


def _drop_orphans(patient: Patient) -> None:
    """Forget lesions that were only ever proposed and are seen nowhere any more."""
    Lesion.objects.filter(patient=patient, created_by=None, observations=None).delete()


def _digest_inputs(revision: SegmentationRevision, known: Known, ways: Mapping[UUID, Way]) -> str:
    def said(each: LesionObservation) -> list[Any]:
        return [str(each.lesion_id), each.state, each.components, str(each.timepoint.revision_id)]

    read = {
        "version": MATCHING_VERSION,
        "revision": revision.digest,
        "revision_id": str(revision.pk),
        "last_seen": sorted(said(each) for each in known.last_seen.values()),
        "before": sorted(said(each) for each in known.state_before.values()),
        "confirmed": sorted([*said(each), str(each.confirmed_at)] for each in known.confirmed_here.values()),
        "ways": sorted(each.digest for each in ways.values()),
        "lesions": sorted(map(str, known.lesions)),
    }
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()

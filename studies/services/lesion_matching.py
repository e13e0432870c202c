"""Finding the patient's lesions again at each timepoint: proposals from the pure rooms, written into the record.

Timepoints are matched in the order of their dates, each against what is known by then; what a person confirmed stands,
the rest is proposed anew whenever something before it changes. Nothing is matched over a registration that is not
there yet, and everything asks where the registration is doubtful.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction

from studies.errors import DomainError
from studies.models import (
    Lesion,
    LesionObservation,
    LesionState,
    MatchingState,
    Patient,
    SegmentationRevision,
    Timepoint,
    User,
)
from studies.queue import StudyTask, enqueue_on_commit
from studies.services.assessments import settle_tracking
from studies.services.lesion_places import LesionPlaces, PlacedRevision, find_same_components, read_places
from studies.services.lesion_roles import suggest_roles
from studies.services.measurements import measure_revision
from studies.services.registrations import find_registration, prior_to_current, request_registration
from studies.tracking.matching import REGISTRATION_SD_MM, LinkKind, Proposal, Reading, propose_matches

DOUBTFUL_SD_MM = 12.0
"""Where lesions are expected when the registration is not trusted."""
MATCHING_VERSION = 1

Component = tuple[int, int]
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Finding:
    """One observation to be written; without a lesion it begins a new one."""

    lesion_id: UUID | None
    state: LesionState
    components: tuple[Component, ...] = ()
    proposal: Plain = field(default_factory=dict)
    merged_into: UUID | None = None


@dataclass(slots=True)
class _Known:
    """What is known of the patient's lesions before a timepoint is matched."""

    lesions: dict[UUID, Lesion]
    last_seen: dict[UUID, LesionObservation]
    """The observation with components that is nearest before; for a lesion that is neither seen before nor held here,
    the nearest confirmed one after, so that an earlier study that comes later finds the lesions it began with."""
    state_before: dict[UUID, LesionObservation]
    """The observation just before, of whatever state."""
    here: dict[UUID, LesionObservation]
    only_later: set[UUID] = field(default_factory=set)

    @property
    def confirmed_here(self) -> dict[UUID, LesionObservation]:
        return {key: each for key, each in self.here.items() if each.confirmed_by_id is not None}


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
    known = _read_known(patient, timepoint)
    try:
        places = read_places(revision)
        measured = measure_revision(revision)
    except DomainError as error:
        return _fail(timepoint, error.code, error.message)
    registrations = _read_registrations(timepoint, known)
    if registrations is None:
        changed = timepoint.matching_state != MatchingState.WAITING
        Timepoint.objects.filter(pk=timepoint.pk).update(
            matching_state=MatchingState.WAITING, problem_code="", problem="", inputs_digest=""
        )
        return MatchingState.WAITING, changed
    digest = _digest_inputs(revision, known, registrations)
    if digest == timepoint.inputs_digest:
        return MatchingState(timepoint.matching_state), False
    findings = _find(known, places, timepoint, registrations)
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


def _read_known(patient: Patient, timepoint: Timepoint) -> _Known:
    lesions = {each.pk: each for each in Lesion.objects.filter(patient=patient, dismissed_reason="")}
    known = _Known(lesions, {}, {}, {})
    order = list(Timepoint.objects.filter(study__patient=patient, excluded_reason="").values_list("pk", flat=True))
    place_of = {key: place for place, key in enumerate(order)}
    here = place_of[timepoint.pk]
    observations = LesionObservation.objects.filter(lesion__in=lesions, timepoint__in=order).select_related(
        "timepoint__segmentation__series__study", "timepoint__revision", "lesion"
    )
    ordered = sorted(observations, key=lambda each: place_of[each.timepoint_id])
    for each in ordered:
        place = place_of[each.timepoint_id]
        if place == here:
            known.here[each.lesion_id] = each
        elif place < here:
            known.state_before[each.lesion_id] = each
            if each.components:
                known.last_seen[each.lesion_id] = each
        elif each.components and not _holds(known.here.get(each.lesion_id)):
            is_telling = each.confirmed_by_id is not None or timepoint.revision_id is None
            if is_telling and each.lesion_id not in known.last_seen:
                known.last_seen[each.lesion_id] = each
                known.only_later.add(each.lesion_id)
    return known


def _read_registrations(timepoint: Timepoint, known: _Known) -> dict[UUID, tuple[np.ndarray, float, bool, str]] | None:
    """Return for each series lesions were last seen on its way here; None where one is not there yet."""
    current = timepoint.segmentation.series
    priors = {each.timepoint.segmentation.series for each in known.last_seen.values()}
    found: dict[UUID, tuple[np.ndarray, float, bool, str]] = {}
    is_complete = True
    for prior in priors:
        registration = find_registration(prior, current) or request_registration(prior, current)
        if registration.state == "pending":
            is_complete = False
            continue
        is_trusted = registration.is_trusted
        spread = max(REGISTRATION_SD_MM, registration.residual_mm or 0.0) if is_trusted else DOUBTFUL_SD_MM
        key = f"{registration.pk}:{registration.nudge_mm}:{registration.state}"
        found[prior.pk] = (prior_to_current(registration), spread, is_trusted, key)
    return found if is_complete else None


def _find(
    known: _Known,
    places: PlacedRevision,
    timepoint: Timepoint,
    registrations: Mapping[UUID, tuple[np.ndarray, float, bool, str]],
) -> list[_Finding]:
    """Return what is to be written of each lesion at a timepoint."""
    carried, kept = _carry(known, places, timepoint)
    labels = LesionPlaces(places)
    merged = {
        key for key, each in known.state_before.items() if each.state == LesionState.MERGED and key not in carried
    }
    settled = {key for key, each in known.confirmed_here.items() if not carried.get(key)}
    priors, confirmed = [], []
    for key, seen in known.last_seen.items():
        if key in merged or key in settled:
            continue
        to_here = registrations[seen.timepoint.segmentation.series_id][0]
        placed = labels.place_prior(str(key), seen, to_here)
        if placed is not None:
            priors.append(placed)
            confirmed += [(str(key), _name(component)) for component in carried.get(key, ())]
    first_seen_here = {
        component for key, components in carried.items() if key not in known.last_seen for component in components
    }
    currents = labels.place_currents(first_seen_here)
    spread = max((each[1] for each in registrations.values()), default=REGISTRATION_SD_MM)
    doubtful = not all(each[2] for each in registrations.values())
    proposals = propose_matches(priors, currents, confirmed=confirmed, registration_sd_mm=spread)
    findings = [_carry_confirmed(known, key, carried[key]) for key in carried]
    findings += [_carry_confirmed(known, key, ()) for key in settled]
    findings += _stay_merged(known, merged)
    for proposal in proposals:
        findings += _read_proposal(
            proposal, known, kept, carried, is_doubtful=doubtful, is_first=not known.state_before
        )
    return findings


def _carry(
    known: _Known, places: PlacedRevision, timepoint: Timepoint
) -> tuple[dict[UUID, tuple[Component, ...]], dict[Component, UUID]]:
    """Return the components of confirmed lesions in this revision, and which lesion held each of the others before."""
    before = timepoint.revision
    held = {
        (int(component[0]), int(component[1])): key for key, each in known.here.items() for component in each.components
    }
    same = (
        {component: component for component in held}
        if before is None or before.pk == places.revision.pk
        else find_same_components(read_places(before), places)
    )
    carried: dict[UUID, list[Component]] = {}
    kept: dict[Component, UUID] = {}
    for old, new in same.items():
        if old not in held:
            continue
        if held[old] in known.confirmed_here:
            carried.setdefault(held[old], []).append(new)
        else:
            kept[new] = held[old]
    return {key: tuple(each) for key, each in carried.items()}, kept


def _carry_confirmed(known: _Known, key: UUID, components: tuple[Component, ...]) -> _Finding:
    """Keep what a person confirmed; what was measured and is erased since is unmarked."""
    was = known.here[key]
    state = LesionState(was.state)
    if state is LesionState.MEASURED and not components:
        state = LesionState.UNMARKED
    return _Finding(key, state, components, was.proposal, was.merged_into_id)


def _stay_merged(known: _Known, merged: Iterable[UUID]) -> list[_Finding]:
    proposal = {"kind": "merged", "confidence": None, "must_ask": False, "runner_up": None, "reason": "carried"}
    return [_Finding(key, LesionState.MERGED, (), proposal, known.state_before[key].merged_into_id) for key in merged]


def _read_proposal(
    proposal: Proposal,
    known: _Known,
    kept: Mapping[Component, UUID],
    carried: Mapping[UUID, tuple[Component, ...]],
    *,
    is_doubtful: bool,
    is_first: bool,
) -> list[_Finding]:
    reading = proposal.reading
    keys = [UUID(each) for each in reading.priors]
    if any(key in carried for key in keys):
        return []
    components = tuple(_component(each) for each in reading.currents)
    plain = _plain_proposal(proposal, known, is_doubtful=is_doubtful, is_first=is_first and not reading.priors)
    if reading.kind is LinkKind.NEW:
        again = [kept[each] for each in components if kept.get(each) in known.lesions]
        lesion = again[0] if again and again[0] not in known.last_seen else None
        return [_Finding(lesion, LesionState.MEASURED, components, plain)]
    if reading.kind is LinkKind.VANISHED:
        if keys[0] in known.only_later:
            return []  # it begins later: nothing is missed here
        was = known.state_before.get(keys[0])
        is_gone = was is not None and was.state == LesionState.ABSENT
        return [_Finding(keys[0], LesionState.ABSENT if is_gone else LesionState.UNMARKED, (), plain)]
    if reading.kind is LinkKind.MERGED:
        largest = max(keys, key=lambda key: _volume_of(known.last_seen[key]))
        rest = [key for key in keys if key != largest]
        return [
            _Finding(largest, LesionState.MEASURED, components, plain),
            *(_Finding(key, LesionState.MERGED, (), plain, largest) for key in rest),
        ]
    return [_Finding(keys[0], LesionState.MEASURED, components, plain)]


def _plain_proposal(proposal: Proposal, known: _Known, *, is_doubtful: bool, is_first: bool) -> Plain:
    has_rival = not is_first and (bool(proposal.reading.priors) or proposal.runner_up is not None)
    return {
        "kind": "first" if is_first else str(proposal.reading.kind),
        "confidence": None if is_first else round(proposal.confidence, 4),
        "must_ask": not is_first and (proposal.must_ask or (is_doubtful and has_rival)),
        "runner_up": None if proposal.runner_up is None else _plain_reading(proposal.runner_up, known),
        "reason": "registration.doubtful" if is_doubtful and has_rival else "",
    }


def _plain_reading(reading: Reading, known: _Known) -> Plain:
    names = [known.lesions[UUID(each)].name for each in reading.priors]
    return {"kind": str(reading.kind), "lesions": names, "part_count": len(reading.currents)}


@transaction.atomic
def _write(
    patient: Patient,
    timepoint: Timepoint,
    revision: SegmentationRevision,
    findings: list[_Finding],
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


def _digest_inputs(
    revision: SegmentationRevision, known: _Known, registrations: Mapping[UUID, tuple[np.ndarray, float, bool, str]]
) -> str:
    def said(each: LesionObservation) -> list[Any]:
        return [str(each.lesion_id), each.state, each.components, str(each.timepoint.revision_id)]

    read = {
        "version": MATCHING_VERSION,
        "revision": revision.digest,
        "revision_id": str(revision.pk),
        "last_seen": sorted(said(each) for each in known.last_seen.values()),
        "before": sorted(said(each) for each in known.state_before.values()),
        "confirmed": sorted([*said(each), str(each.confirmed_at)] for each in known.confirmed_here.values()),
        "registrations": sorted(each[3] for each in registrations.values()),
        "lesions": sorted(map(str, known.lesions)),
    }
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()


def _holds(seen: LesionObservation | None) -> bool:
    return seen is not None and bool(seen.components)


def _volume_of(seen: LesionObservation) -> float:
    return sum(float(each["volume"]["value"]) for each in seen.measurements)


def _name(component: Component) -> str:
    return f"{component[0]}:{component[1]}"


def _component(name: str) -> Component:
    segment, number = name.split(":")
    return int(segment), int(number)

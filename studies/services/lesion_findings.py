"""What becomes of each lesion at a timepoint: what a person confirmed is carried on, the rest is proposed around it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from studies.models import Lesion, LesionObservation, LesionState, Patient, Timepoint
from studies.services.lesion_places import LesionPlaces, PlacedRevision, find_same_components, read_places
from studies.services.lesion_ways import Way
from studies.tracking.matching import REGISTRATION_SD_MM, LinkKind, Proposal, Reading, propose_matches

Component = tuple[int, int]
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation to be written; without a lesion it begins a new one."""

    lesion_id: UUID | None
    state: LesionState
    components: tuple[Component, ...] = ()
    proposal: Plain = field(default_factory=dict)
    merged_into: UUID | None = None


@dataclass(slots=True)
class Known:
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


def read_known(patient: Patient, timepoint: Timepoint) -> Known:
    lesions = {each.pk: each for each in Lesion.objects.filter(patient=patient, dismissed_reason="")}
    known = Known(lesions, {}, {}, {})
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


def find_again(
    known: Known,
    places: PlacedRevision,
    timepoint: Timepoint,
    ways: Mapping[UUID, Way],
) -> list[Finding]:
    """Return what is to be written of each lesion at a timepoint."""
    carried, kept = _carry(known, places, timepoint)
    labels = LesionPlaces(places)
    merged = {
        key for key, each in known.state_before.items() if each.state == LesionState.MERGED and key not in carried
    }
    settled = {key for key, each in known.confirmed_here.items() if not carried.get(key)}
    priors, confirmed, doubtful = [], [], set()
    for key, seen in known.last_seen.items():
        if key in merged or key in settled:
            continue
        way = ways[seen.timepoint.segmentation.series_id]
        before = known.state_before.get(key)
        placed = labels.place_prior(str(key), seen, way.matrix_mm, is_recent=before is None or before.pk == seen.pk)
        if placed is not None:
            doubtful |= set() if way.is_trusted else {key}
            priors.append(placed)
            confirmed += [(str(key), _name(component)) for component in carried.get(key, ())]
    first_seen_here = {
        component for key, components in carried.items() if key not in known.last_seen for component in components
    }
    currents = labels.place_currents(first_seen_here)
    spread = max((each.spread_mm for each in ways.values()), default=REGISTRATION_SD_MM)
    proposals = propose_matches(priors, currents, confirmed=confirmed, registration_sd_mm=spread)
    findings = [_carry_confirmed(known, key, carried[key]) for key in carried]
    findings += [_carry_confirmed(known, key, ()) for key in settled]
    findings += _stay_merged(known, merged)
    for proposal in proposals:
        findings += _read_proposal(proposal, known, kept, carried, doubtful=doubtful, is_first=not known.state_before)
    return findings


def _carry(
    known: Known, places: PlacedRevision, timepoint: Timepoint
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


def _carry_confirmed(known: Known, key: UUID, components: tuple[Component, ...]) -> Finding:
    """Keep what a person confirmed; what was measured and is erased since is unmarked."""
    was = known.here[key]
    state = LesionState(was.state)
    if state is LesionState.MEASURED and not components:
        state = LesionState.UNMARKED
    return Finding(key, state, components, was.proposal, was.merged_into_id)


def _stay_merged(known: Known, merged: Iterable[UUID]) -> list[Finding]:
    proposal = {"kind": "merged", "confidence": None, "must_ask": False, "runner_up": None, "reason": "carried"}
    return [Finding(key, LesionState.MERGED, (), proposal, known.state_before[key].merged_into_id) for key in merged]


def _read_proposal(
    proposal: Proposal,
    known: Known,
    kept: Mapping[Component, UUID],
    carried: Mapping[UUID, tuple[Component, ...]],
    *,
    doubtful: Collection[UUID],
    is_first: bool,
) -> list[Finding]:
    reading = proposal.reading
    keys = [UUID(each) for each in reading.priors]
    components = tuple(_component(each) for each in reading.currents)
    is_doubtful = any(key in doubtful for key in keys) or (not keys and bool(doubtful))
    plain = _plain_proposal(proposal, known, is_doubtful=is_doubtful, is_first=is_first and not keys)
    if any(key in carried for key in keys):
        return _around_confirmed(keys, components, carried, plain)
    if reading.kind is LinkKind.NEW:
        again = [kept[each] for each in components if kept.get(each) in known.lesions]
        lesion = again[0] if again and again[0] not in known.last_seen else None
        return [Finding(lesion, LesionState.MEASURED, components, plain)]
    if reading.kind is LinkKind.VANISHED:
        if keys[0] in known.only_later:
            return []  # it begins later: nothing is missed here
        was = known.state_before.get(keys[0])
        is_gone = was is not None and was.state == LesionState.ABSENT
        return [Finding(keys[0], LesionState.ABSENT if is_gone else LesionState.UNMARKED, (), plain)]
    if reading.kind is LinkKind.MERGED:
        largest = max(keys, key=lambda key: _volume_of(known.last_seen[key]))
        rest = [key for key in keys if key != largest]
        return [
            Finding(largest, LesionState.MEASURED, components, plain),
            *(Finding(key, LesionState.MERGED, (), plain, largest) for key in rest),
        ]
    return [Finding(keys[0], LesionState.MEASURED, components, plain)]


def _around_confirmed(
    keys: list[UUID], components: tuple[Component, ...], carried: Mapping[UUID, tuple[Component, ...]], plain: Plain
) -> list[Finding]:
    """Return what a proposal leaves open beside what a person confirmed: parts without a name, lesions without a part.

    Both are asked about, for the person did not speak of them.
    """
    asked = plain | {"must_ask": True}
    taken = {component for each in carried.values() for component in each}
    whole = next(key for key in keys if key in carried)
    parts = [Finding(None, LesionState.MEASURED, (each,), asked) for each in components if each not in taken]
    return parts + [Finding(key, LesionState.MERGED, (), asked, whole) for key in keys if key not in carried]


def _plain_proposal(proposal: Proposal, known: Known, *, is_doubtful: bool, is_first: bool) -> Plain:
    has_rival = not is_first and (bool(proposal.reading.priors) or proposal.runner_up is not None)
    return {
        "kind": "first" if is_first else str(proposal.reading.kind),
        "confidence": None if is_first else round(proposal.confidence, 4),
        "must_ask": not is_first and (proposal.must_ask or (is_doubtful and has_rival)),
        "runner_up": None if proposal.runner_up is None else _plain_reading(proposal.runner_up, known),
        "reason": "registration.doubtful" if is_doubtful and has_rival else "",
    }


def _plain_reading(reading: Reading, known: Known) -> Plain:
    names = [known.lesions[UUID(each)].name for each in reading.priors]
    return {"kind": str(reading.kind), "lesions": names, "part_count": len(reading.currents)}


def _holds(seen: LesionObservation | None) -> bool:
    return seen is not None and bool(seen.components)


def _volume_of(seen: LesionObservation) -> float:
    return sum(float(each["volume"]["value"]) for each in seen.measurements)


def _name(component: Component) -> str:
    return f"{component[0]}:{component[1]}"


def _component(name: str) -> Component:
    segment, number = name.split(":")
    return int(segment), int(number)

"""The worklist: the studies of a person's teams, searched, filtered, sorted and cut into pages by the database.

What a page costs must not grow with the archive. So nothing is counted beyond `COUNTED_UP_TO`: what is found up to
there is sorted whole, and of more the page is read off the index of its order, which is full soon.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import In

from studies.models import GateOutcome, Patient, Segmentation, SegmentationState, Study, StudyWord, Team, User
from studies.permissions import visible_teams
from studies.selectors.patients import note_reader_teams
from studies.selectors.words import MAX_TERMS, fold_words, modality_word

ORDERINGS = {
    "study_date": ("sort_date", "study_time"),
    "received_at": ("received_at",),
    "patient_name": ("patient__patient_name", "patient_id"),
    "study_description": ("study_description",),
    "segmentation_state": ("segmentation_state", "sort_date"),
}
"""Columns in the order of an index each, so that a page is read off its beginning."""
ORDERING_CHOICES = tuple(sign + name for name in ORDERINGS for sign in ("", "-"))
MAX_PAGE_SIZE = 200
COUNTED_UP_TO = 1000
"""Up to this many studies are found first, counted and sorted; SQLite takes 32,766 parameters. Nobody reads further
down a list that long: a search is narrowed instead."""
_MORE_FOR_DOUBLES = (1.25, 4)
_JUDGED_UP_TO = 5_000
"""Rows of a search word that are counted to tell the rarest word: all that have more are common alike."""


Term = tuple[str, str]
"""A lookup of `StudyWord` and its value."""


@dataclass(frozen=True, slots=True)
class WorklistQuery:
    """What a person asks of the worklist; an empty value leaves that filter out."""

    search: str = ""
    modality: str = ""
    team: UUID | None = None
    state: SegmentationState | None = None
    date_from: date | None = None
    date_to: date | None = None
    ordering: str = "-study_date"
    page: int = 1
    page_size: int = 50


@dataclass(frozen=True, slots=True)
class WorklistPage:
    """One page of studies, how many there are in all, or at least, and whether a page follows."""

    count: int
    is_count_exact: bool
    has_next: bool
    page: int
    page_size: int
    results: list[Study]


@dataclass(frozen=True, slots=True)
class ModelRun:
    """A segmentation as the worklist tells of it.

    Attributes
    ----------
    model_version
        Empty where a person began it.
    gate_outcome
        `GateOutcome` of the run.
    accepted_at
        When a person vouched for it.
    """

    name: str
    model_version: str
    gate_outcome: str
    accepted_at: datetime | None


_OF_RUNS = ("series__study", "name", "model_version", "gate_outcome", "accepted_at")


def worklist_for(user: User, query: WorklistQuery) -> WorklistPage:
    """Return a page of the person's worklist in a bounded number of queries.

    First which studies, from indexes alone; then everything that is shown, of those on the page.
    """
    teams = {team.pk: team for team in visible_teams(user)}
    start, stop = (query.page - 1) * query.page_size, query.page * query.page_size
    found = _find(query, list(teams))
    if found is None:
        keys = _walk(query, list(teams))[start : stop + 1]
    else:
        keys = Study.objects.filter(pk__in=found).order_by(*_order(query.ordering)).values_list("pk", flat=True)
        keys = keys[start : stop + 1] if start < len(found) else keys.none()
    shown = list(keys)
    has_next = len(shown) > query.page_size
    shown = shown[: query.page_size]
    if found is not None:
        count, is_exact = len(found), True
    else:
        count = max(COUNTED_UP_TO, start + len(shown) if shown else 0)
        is_exact = bool(shown) and not has_next
    return WorklistPage(count, is_exact, has_next, query.page, query.page_size, _read(shown, teams))


def _find(query: WorklistQuery, own_teams: list[UUID]) -> set[str] | None:
    """Return all the studies that are asked for, or None when there are more than are counted."""
    terms = _terms(query)
    lead, others = _choose_lead(query, terms)
    studies = _with_words(_filter(query), others)
    found: set[str] = set()
    for seen in (studies.filter(home_team_id__in=own_teams), _shared(studies, own_teams)):
        part = _take(seen, lead)
        if part is None or len(found | part) > COUNTED_UP_TO:
            return None
        found |= part
    return found


def _take(studies: QuerySet[Study], lead: Term | None) -> set[str] | None:
    """Return the keys, as text, of those of the studies that have the leading word; None when there are too many.

    The word leads to the studies through a join, which stops as soon as enough came through; a condition that the key
    is among the word's studies would first gather all of them. A study comes once for each of its words that
    begin alike: where that uses up what was taken, more is taken, and at last the database leaves the doubles out.
    """
    if lead:
        studies = studies.filter(Q((f"words__{lead[0]}", lead[1])))
    rows = studies.order_by().values_list(Cast("pk", CharField()), flat=True)
    for more in _MORE_FOR_DOUBLES:
        most = int(COUNTED_UP_TO * more) + 1
        taken = list(rows[:most])
        found = set(taken)
        if len(found) > COUNTED_UP_TO:
            return None
        if len(taken) < most:
            return found
    found = set(rows.distinct()[: COUNTED_UP_TO + 1])
    return found if len(found) <= COUNTED_UP_TO else None


def _walk(query: WorklistQuery, own_teams: list[UUID]) -> QuerySet[Study, UUID]:
    """Return the keys of what is asked for in order, to be read off the order's index from its beginning."""
    studies = _with_words(_filter(query, is_walked=True), _terms(query))
    is_visible = Q(home_team_id__in=own_teams) | _is_shared_with(own_teams)
    return studies.filter(is_visible).order_by(*_order(query.ordering)).values_list("pk", flat=True)


def _shared(studies: QuerySet[Study], own_teams: list[UUID]) -> QuerySet[Study]:
    """Return the studies of other teams' patients who were shared with one of these: few, and looked for apart."""
    links = Patient.teams.through.objects.filter(team_id__in=own_teams).exclude(patient__home_team_id__in=own_teams)
    return studies.filter(patient_id__in=links.values("patient_id"))


def _is_shared_with(own_teams: list[UUID]) -> Exists:
    links = Patient.teams.through.objects.filter(patient_id=OuterRef("patient_id"), team_id__in=own_teams)
    return Exists(links)


def _filter(query: WorklistQuery, *, is_walked: bool = False) -> QuerySet[Study]:
    """Return the studies that pass the filters other than words.

    Where the index of the order is walked, the state is hidden from SQLite's planner: it would rather find and sort
    every study in a common state than read fifty off the index. PostgreSQL's knows how common each state is.
    """
    conditions = Q()
    if query.team:
        conditions &= Q(home_team=query.team) | Q(_is_shared_with([query.team]))
    if query.state:
        is_hidden = is_walked and connection.vendor == "sqlite"
        column = Coalesce("segmentation_state", Value("")) if is_hidden else F("segmentation_state")
        conditions &= Q(In(column, list(_states_asked_for(query.state))))
    if query.date_from:
        conditions &= Q(sort_date__gte=query.date_from)
    if query.date_to:
        conditions &= Q(sort_date__lte=query.date_to)
        if (query.date_from or date.min) == date.min:  # where the undated are sorted
            conditions &= Q(study_date__isnull=False)
    return Study.objects.filter(conditions)


def _terms(query: WorklistQuery) -> list[Term]:
    """Return what a study's words must hold: the modality as one of its own, beginnings of the others."""
    terms = [("word__begins_with", word) for word in fold_words(query.search)[:MAX_TERMS]]
    return [*terms, ("word", modality_word(query.modality))] if query.modality else terms


def _choose_lead(query: WorklistQuery, terms: list[Term]) -> tuple[Term | None, list[Term]]:
    """Return the word to set out from and the others; no word where the state is rarer than all of them."""
    if len(terms) + bool(query.state) < 2:
        return (terms[0] if terms else None), []

    def rows_of(term: Term) -> int:
        return StudyWord.objects.filter(Q(term))[:_JUDGED_UP_TO].count()

    rows = {term: rows_of(term) for term in terms}
    if query.state and _has_fewer(query.state, min(rows.values())):
        return None, terms
    lead, *others = sorted(rows, key=rows.__getitem__)
    return lead, others


def _has_fewer(state: SegmentationState, rows: int) -> bool:
    return Study.objects.filter(segmentation_state__in=_states_asked_for(state)).order_by()[:rows].count() < rows


def _states_asked_for(state: SegmentationState) -> frozenset[SegmentationState]:
    """Return the states that a filter lets pass: a failed run needs eyes too."""
    asked_for = {state, SegmentationState.FAILED} if state == SegmentationState.NEEDS_EYES else {state}
    return frozenset(asked_for)


def _with_words(studies: QuerySet[Study], terms: Iterable[Term]) -> QuerySet[Study]:
    """Keep the studies that have each of the words, asking each study in its turn."""
    for term in terms:
        studies = studies.filter(Exists(StudyWord.objects.filter(Q(term), study=OuterRef("pk"))))
    return studies


def _order(ordering: str) -> list[str]:
    sign = "-" if ordering.startswith("-") else ""
    return [sign + column for column in (*ORDERINGS[ordering.removeprefix("-")], "id")]


def _read(keys: list[UUID], own_teams: dict[UUID, Team]) -> list[Study]:
    """Return the studies in the order of the keys, each patient with the reader's teams that see them."""
    found = {study.pk: study for study in Study.objects.filter(pk__in=keys).select_related("patient").order_by()}
    segmentations = Segmentation.objects.filter(series__study__in=keys).order_by("-created_at").values_list(*_OF_RUNS)
    runs: defaultdict[UUID, list[ModelRun]] = defaultdict(list)
    for study_id, *row in segmentations:
        runs[study_id].append(ModelRun(*row))
    patients = {study.patient_id for study in found.values()}
    shared: defaultdict[UUID, set[UUID]] = defaultdict(set)
    links = Patient.teams.through.objects.filter(patient_id__in=patients, team_id__in=list(own_teams))
    for patient_id, team_id in links.values_list("patient_id", "team_id"):
        shared[patient_id].add(team_id)
    for study in found.values():
        # for the serializer alone
        study.segmentation_count = len(runs[study.pk])  # type: ignore[attr-defined]
        study.runs = _newest_of_each(runs[study.pk])  # type: ignore[attr-defined]
        note_reader_teams(study.patient, own_teams, shared[study.patient_id])
    return [found[key] for key in keys]


def _newest_of_each(runs: list[ModelRun]) -> list[ModelRun]:
    """Return what models made, newest first, once for each version; what asks for a person goes first."""
    made = [run for run in runs if run.model_version]
    made.sort(key=lambda run: run.gate_outcome != GateOutcome.NEEDS_EYES or run.accepted_at is not None)
    told: dict[tuple[str, str], ModelRun] = {}
    for run in made:
        told.setdefault((run.name, run.model_version), run)
    return list(told.values())

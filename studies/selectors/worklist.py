"""The worklist: the studies of a person's teams, searched, filtered, sorted and cut into pages by the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connection
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from studies.models import Patient, SegmentationState, Study, StudyWord, Team, User
from studies.permissions import visible_teams
from studies.selectors.patients import note_reader_teams
from studies.selectors.studies import with_briefs
from studies.selectors.words import MAX_TERMS, fold_words

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
SORTED_WHOLE = 900
"""Up to this many studies are found first and sorted then; more are read off the index of their order, which a planner
that misjudges a rare word would otherwise walk to its end. Below SQLite's smallest limit of parameters."""


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
    """One page of studies and how many there are in all."""

    count: int
    page: int
    page_size: int
    results: list[Study]


def worklist_for(user: User, query: WorklistQuery) -> WorklistPage:
    """Return a page of the person's worklist in a fixed number of queries.

    First which studies, from indexes alone; then everything that is shown, of those on the page.
    """
    teams = {team.pk: team for team in visible_teams(user)}
    own_teams = list(teams)
    words = fold_words(query.search)[:MAX_TERMS]
    asked, one_by_one = _with_words(_filter(query), words), _with_common_words(_filter(query, is_walked=True), words)
    count = asked.filter(home_team_id__in=own_teams).count() + _shared(one_by_one, own_teams).count()
    start = (query.page - 1) * query.page_size
    keys: list[UUID] = []
    if start < count:
        is_visible = Q(home_team_id__in=own_teams) | _is_shared_with(own_teams)
        if count <= SORTED_WHOLE:
            found = Study.objects.filter(pk__in=list(asked.filter(is_visible).values_list("pk", flat=True)))
        else:
            found = one_by_one.filter(is_visible)
        keys = list(
            found.order_by(*_order(query.ordering)).values_list("pk", flat=True)[start : start + query.page_size]
        )
    return WorklistPage(count, query.page, query.page_size, _read(keys, teams))


def _shared(studies: QuerySet[Study], own_teams: list[UUID]) -> QuerySet[Study]:
    """Return the studies of other teams' patients who were shared with one of these: few, and counted apart."""
    links = Patient.teams.through.objects.filter(team_id__in=own_teams).exclude(patient__home_team_id__in=own_teams)
    return studies.filter(patient_id__in=links.values("patient_id"))


def _is_shared_with(own_teams: list[UUID]) -> Exists:
    links = Patient.teams.through.objects.filter(patient_id=OuterRef("patient_id"), team_id__in=own_teams)
    return Exists(links)


def _filter(query: WorklistQuery, *, is_walked: bool = False) -> QuerySet[Study]:
    """Return the studies that pass the filters.

    Where the index of the order is walked, the state is hidden from SQLite's planner: it would rather find and sort
    every study in a common state than read fifty off the index. PostgreSQL's knows how common each state is.
    """
    conditions = Q()
    if query.modality:
        conditions &= _has_modality(query.modality)
    if query.team:
        conditions &= Q(home_team=query.team) | Q(_is_shared_with([query.team]))
    if query.state:
        is_hidden = is_walked and connection.vendor == "sqlite"
        column = Coalesce("segmentation_state", Value("")) if is_hidden else F("segmentation_state")
        conditions &= Q(Exact(column, query.state))
    if query.date_from:
        conditions &= Q(sort_date__gte=query.date_from)
    if query.date_to:
        conditions &= Q(sort_date__lte=query.date_to, study_date__isnull=False)
    return Study.objects.filter(conditions)


def _has_modality(modality: str) -> Q:
    """Look for a value among the backslash-separated ones."""
    first, last, between = f"{modality}\\", f"\\{modality}", f"\\{modality}\\"
    one_of_several = Q(modalities__startswith=first) | Q(modalities__endswith=last) | Q(modalities__contains=between)
    return Q(modalities=modality) | one_of_several


def _with_words(studies: QuerySet[Study], words: list[str]) -> QuerySet[Study]:
    """Keep the studies that have a word beginning with each of these, found from the words."""
    for word in words:
        studies = studies.filter(pk__in=StudyWord.objects.filter(word__begins_with=word).values("study"))
    return studies


def _with_common_words(studies: QuerySet[Study], words: list[str]) -> QuerySet[Study]:
    """Do the same, asking each study in its turn: the first page of many is full soon."""
    for word in words:
        studies = studies.filter(Exists(StudyWord.objects.filter(study=OuterRef("pk"), word__begins_with=word)))
    return studies


def _order(ordering: str) -> list[str]:
    sign = "-" if ordering.startswith("-") else ""
    return [sign + column for column in (*ORDERINGS[ordering.removeprefix("-")], "id")]


def _read(keys: list[UUID], own_teams: dict[UUID, Team]) -> list[Study]:
    """Return the studies in the order of the keys, each patient with the reader's teams that see them."""
    patients = Prefetch("patient", queryset=Patient.objects.prefetch_related("teams"))
    found = with_briefs(Study.objects.filter(pk__in=keys)).prefetch_related(patients).in_bulk()
    for study in found.values():
        note_reader_teams(study.patient, own_teams)
    return [found[key] for key in keys]

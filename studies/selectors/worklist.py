"""The worklist: the studies of a person's teams, searched, filtered, sorted and cut into pages by the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet
from django.db.models.expressions import OrderBy

from studies.models import Patient, SegmentationState, Study, StudyWord, User
from studies.permissions import visible_teams
from studies.selectors.studies import visible_studies, with_briefs
from studies.selectors.words import MAX_TERMS, fold_words

ORDERINGS = {
    "study_date": ("study_date", "study_time"),
    "received_at": ("received_at",),
    "patient_name": ("patient__patient_name",),
    "study_description": ("study_description",),
    "segmentation_state": ("segmentation_state", "study_date"),
}
ORDERING_CHOICES = tuple(sign + name for name in ORDERINGS for sign in ("", "-"))
MAX_PAGE_SIZE = 200


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
    """Return a page of the person's worklist in a fixed number of queries."""
    studies = _search(_filter(visible_studies(user), query), query.search)
    count = studies.count()
    start = (query.page - 1) * query.page_size
    page = with_briefs(studies).order_by(*_order(query.ordering))[start : start + query.page_size]
    return WorklistPage(count, query.page, query.page_size, list(_with_patients(page, user)))


def _filter(studies: QuerySet[Study], query: WorklistQuery) -> QuerySet[Study]:
    conditions = Q()
    if query.modality:
        conditions &= Q(pk__in=StudyWord.objects.filter(word=modality_word(query.modality)).values("study"))
    if query.team:
        conditions &= Q(patient__teams=query.team)
    if query.state:
        conditions &= Q(segmentation_state=query.state)
    if query.date_from:
        conditions &= Q(study_date__gte=query.date_from)
    if query.date_to:
        conditions &= Q(study_date__lte=query.date_to)
    return studies.filter(conditions)


def modality_word(modality: str) -> str:
    """Return the entry among a study's words that stands for a modality; no folded word contains a colon."""
    return f"modality:{modality.casefold()}"


def _search(studies: QuerySet[Study], search: str) -> QuerySet[Study]:
    for word in fold_words(search)[:MAX_TERMS]:
        studies = studies.filter(pk__in=StudyWord.objects.filter(word__begins_with=word).values("study"))
    return studies


def _order(ordering: str) -> list[OrderBy | str]:
    is_descending = ordering.startswith("-")
    columns: list[OrderBy | str] = []
    for column in ORDERINGS[ordering.removeprefix("-")]:
        field = F(column)
        columns.append(field.desc(nulls_last=True) if is_descending else field.asc(nulls_first=True))
    return [*columns, "-id" if is_descending else "id"]


def _with_patients(page: QuerySet[Study], user: User) -> QuerySet[Study]:
    shared = Prefetch("teams", queryset=visible_teams(user), to_attr="shared_teams")
    return page.prefetch_related(Prefetch("patient", queryset=Patient.objects.prefetch_related(shared)))

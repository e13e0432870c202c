"""What runs before anybody opens a study: rules held against series that have arrived whole."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from inference.models import RoutingNote, RoutingRule
from inference.services.jobs import request_job
from inference.services.limits import LimitReachedError
from inference.services.rule_matching import holds_for
from studies.errors import DomainError
from studies.models import Series

logger = logging.getLogger(__name__)


def route_settled_series(*, series: Series, **_signal: object) -> None:
    """Hold the rules against a series that has settled, and again against the others of its study.

    A network that reads several series may have waited for this one. The series is noted as routed only afterwards: a
    worker that dies in between leaves it to `inference.services.routing_care`.
    """
    postponed = [each.pk for each in _settled_of_study(series) if _route(each)]
    RoutingNote.objects.filter(series__study=series.study_id).update(is_postponed=False)
    RoutingNote.objects.update_or_create(
        series=series, defaults={"contents_digest": series.contents_digest, "reminders": 0, "reminded_at": None}
    )
    RoutingNote.objects.filter(pk__in=postponed).update(is_postponed=True, reminded_at=None)


def _settled_of_study(series: Series) -> list[Series]:
    """Return the series itself and those of its study that have settled as they now stand."""
    is_settled = Q(routing_note__contents_digest=F("contents_digest"))
    return list(
        Series.objects.select_related("study")
        .filter(Q(pk=series.pk) | is_settled, study=series.study_id)
        .order_by("series_number", "series_instance_uid")
    )


def _route(series: Series) -> bool:
    """Ask for what the rules want of a series; return True where the team has no room for it now."""
    rules = RoutingRule.objects.filter(Q(team=None) | Q(team=series.study.home_team_id), is_enabled=True)
    return any(_apply(rule, series) for rule in rules if holds_for(rule, series))


def _apply(rule: RoutingRule, series: Series) -> bool:
    try:
        with transaction.atomic():
            _lock_study(series.study_id)
            job, is_new = request_job(
                series, requested_by=None, model_name=rule.model_name, parameters=rule.parameters, rule=rule
            )
    except LimitReachedError as error:
        logger.info("Rule %r waits with series %s: %s", rule.title, series.pk, error.message)
        return True
    except DomainError as error:
        logger.info("Rule %r asks nothing of series %s: %s", rule.title, series.pk, error.message)
        return False
    if is_new:
        logger.info("Rule %r asked for job %s", rule.title, job.pk)
    return False


def _lock_study(study_id: UUID) -> None:
    """Let one worker at a time ask about the series of a study: two that settle at once are routed together twice."""
    list(Series.objects.select_for_update().filter(study=study_id).order_by("pk").values_list("pk", flat=True))

"""What happens to series that the rules were never asked about, or that had to wait: the rows say what is due.

Nothing is routed here: the series is settled again, as if it had just arrived, by the worker that prepares it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from inference.models import RoutingNote
from inference.services.limits import read_limit
from studies.models import GeometryVerdict, Series, Team
from studies.services.volumes import enqueue_preparation

FORGOTTEN_AFTER = timedelta(minutes=2)
"""A series that has not settled so long after its last image is taken to have lost its message."""
LOOK_BACK = timedelta(days=2)
REMIND_EVERY = timedelta(minutes=5)
MOST_REMINDERS = 3
MOST_AT_ONCE = 50


def tend_routing() -> int:
    """Do what is due once; return how many series are settled again."""
    now = timezone.now()
    return _settle_forgotten(now) + _settle_postponed(now)


@transaction.atomic
def _settle_forgotten(now: datetime) -> int:
    """Settle what arrived lately and has not settled as it stands; what cannot be read is tried a few times only."""
    is_routed = Q(routing_note__contents_digest=F("contents_digest"))
    is_tried = Q(routing_note__reminders__gte=MOST_REMINDERS) | Q(routing_note__reminded_at__gt=now - REMIND_EVERY)
    forgotten = (
        Series.objects.filter(study__received_at__gt=now - LOOK_BACK)
        .exclude(geometry_verdict=GeometryVerdict.NOT_IMAGES)
        .exclude(is_routed)
        .exclude(is_tried)
        .annotate(newest=Max("instances__received_at"))
        .filter(newest__lt=now - FORGOTTEN_AFTER)
        .order_by("newest")
        .values_list("pk", flat=True)
    )
    keys = list(forgotten[:MOST_AT_ONCE])
    RoutingNote.objects.bulk_create([RoutingNote(series_id=key) for key in keys], ignore_conflicts=True)
    RoutingNote.objects.filter(pk__in=keys).update(reminders=F("reminders") + 1, reminded_at=now)
    enqueue_preparation(keys)
    return len(keys)


@transaction.atomic
def _settle_postponed(now: datetime) -> int:
    """Settle again, oldest first, as many of each team's postponed series as the team has room for by now."""
    due = RoutingNote.objects.filter(
        Q(reminded_at=None) | Q(reminded_at__lt=now - REMIND_EVERY), is_postponed=True
    ).order_by("series__study__received_at", "pk")
    teams = Team.objects.filter(pk__in=due.order_by().values("series__study__home_team"))
    keys = []
    for team in teams:
        theirs = due.filter(series__study__home_team=team).values_list("pk", flat=True)
        keys += list(theirs[: min(read_limit(team).room, MOST_AT_ONCE)])
    RoutingNote.objects.filter(pk__in=keys).update(reminded_at=now)
    enqueue_preparation(keys)
    return len(keys)

"""How many jobs may wait or run at once: for one person over a team's studies, and for the team in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from inference.job_states import ACTIVE
from inference.models import SegmentationJob, UsageLimit
from studies.errors import DomainError, InvalidInputError
from studies.models import Role, Team, User
from studies.permissions import require_role, visible_teams
from studies.services import audit


class LimitReachedError(DomainError):
    """As much as is allowed already waits or runs."""

    code: ClassVar[str] = "job.limit_reached"
    status: ClassVar[int] = 429


class LimitInvalidError(InvalidInputError):
    """The limits contradict each other."""

    code: ClassVar[str] = "limit.invalid"


@dataclass(frozen=True, slots=True)
class TeamLimit:
    """What a team may have at once, and has.

    Attributes
    ----------
    is_default
        Whether these are the installation's settings and not the team's own.
    active_jobs
        Jobs over the team's studies that wait or run.
    """

    team_id: UUID
    team_name: str
    most_per_person: int
    most_per_team: int
    is_default: bool
    active_jobs: int

    @property
    def room(self) -> int:
        """How many more jobs the team may have."""
        return max(0, self.most_per_team - self.active_jobs)


def read_limit(team: Team) -> TeamLimit:
    """Return a team's limits: its own, or the installation's."""
    own = UsageLimit.objects.filter(team=team).first()
    return TeamLimit(
        team_id=team.pk,
        team_name=team.name,
        most_per_person=own.most_per_person if own else settings.SEGWEB_MOST_JOBS_PER_PERSON,
        most_per_team=own.most_per_team if own else settings.SEGWEB_MOST_JOBS_PER_TEAM,
        is_default=own is None,
        active_jobs=_active_jobs(team).count(),
    )


def require_room(team: Team, person: User | None) -> None:
    """Refuse one more job where the person, or the team, has as many as is allowed.

    A person's requests are counted one at a time; people who ask in the same instant may together exceed the team's
    limit by as many as they are.
    """
    if person is not None:
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
    limit = read_limit(team)
    own = _active_jobs(team).filter(requested_by=person).count() if person is not None else 0
    if person is not None and own >= limit.most_per_person:
        raise LimitReachedError(
            f"{own} segmentations that {person} asked for already wait or run for {team.name}, and one person may have "
            f"{limit.most_per_person} at once. Wait until one has ended, or cancel one that is no longer needed."
        )
    if not limit.room:
        raise LimitReachedError(
            f"{limit.active_jobs} segmentations already wait or run for {team.name}, and the team may have "
            f"{limit.most_per_team} at once. Wait until some have ended, cancel what is no longer needed, or ask an "
            "administrator for a higher limit."
        )


def list_limits_for(user: User) -> list[TeamLimit]:
    """Return the limits of the person's teams."""
    return [read_limit(team) for team in visible_teams(user)]


@transaction.atomic
def set_limit(team_id: UUID, *, most_per_person: int, most_per_team: int, set_by: User, address: str = "") -> TeamLimit:
    """Give one of the administrator's teams limits of its own."""
    require_role(set_by, Role.ADMINISTRATOR)
    team = visible_teams(set_by).filter(pk=team_id).first()
    if team is None:
        raise LimitInvalidError("You are not in that team. Choose one of your own.")
    if most_per_person > most_per_team:
        raise LimitInvalidError(
            f"One person cannot be allowed more ({most_per_person}) than the whole team ({most_per_team}). "
            "Lower the one or raise the other."
        )
    own, _ = UsageLimit.objects.update_or_create(
        team=team, defaults={"most_per_person": most_per_person, "most_per_team": most_per_team}
    )
    audit.record(
        act="usage_limit.set",
        actor=set_by,
        subject=own,
        address=address,
        team=team.name,
        most_per_person=most_per_person,
        most_per_team=most_per_team,
    )
    return read_limit(team)


def _active_jobs(team: Team) -> QuerySet[SegmentationJob]:
    return SegmentationJob.objects.filter(series__study__home_team=team, state__in=sorted(ACTIVE))

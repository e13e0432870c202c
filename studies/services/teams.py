"""Care teams and who is in them."""

from __future__ import annotations

from django.db import transaction

from studies.models import Team, TeamMembership, User
from studies.services import audit


@transaction.atomic
def ensure_team(name: str) -> Team:
    """Return the team of this name; create it where there is none."""
    team, is_new = Team.objects.get_or_create(name=name)
    if is_new:
        audit.record(act="team.created", actor=audit.SYSTEM_ACTOR, subject=team)
    return team


@transaction.atomic
def add_member(team: Team, *, user: User, actor: User | str) -> bool:
    """Let a person see a team's patients; return whether that is new."""
    _, is_new = TeamMembership.objects.get_or_create(team=team, user=user)
    if is_new:
        audit.record(act="team.member_added", actor=actor, subject=team, username=user.username)
    return is_new

"""Patients and teams a person may see."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Prefetch

from studies.errors import NotFoundError
from studies.models import Patient, Team, User
from studies.permissions import NOT_VISIBLE_MESSAGE, visible_patients, visible_teams


def get_patient_for(user: User, patient_id: UUID) -> Patient:
    """Return a patient, with the teams the person shares with them as `shared_teams`.

    Raises `NotFoundError`, the same for a patient who does not exist and for one of another team.
    """
    shared = Prefetch("teams", queryset=visible_teams(user), to_attr="shared_teams")
    patient = visible_patients(user).prefetch_related(shared).filter(pk=patient_id).first()
    if patient is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return patient


def get_team_for(user: User, team_id: UUID) -> Team:
    """Return one of the person's own teams; `NotFoundError` for any other."""
    team = visible_teams(user).filter(pk=team_id).first()
    if team is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return team

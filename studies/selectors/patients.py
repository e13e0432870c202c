"""Patients and teams a person may see."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from studies.errors import NotFoundError
from studies.models import Patient, Team, User
from studies.permissions import NOT_VISIBLE_MESSAGE, visible_patients, visible_teams


def get_patient_for(user: User, patient_id: UUID) -> Patient:
    """Return a patient, with those of the person's teams that see them as `reader_teams`.

    Raises `NotFoundError`, the same for a patient who does not exist and for one of another team.
    """
    patient = visible_patients(user).filter(pk=patient_id).first()
    if patient is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    own_teams = {team.pk: team for team in visible_teams(user)}
    note_reader_teams(patient, own_teams, patient.teams.values_list("pk", flat=True))
    return patient


def note_reader_teams(patient: Patient, own_teams: dict[UUID, Team], shared_with: Iterable[UUID]) -> None:
    """Set `reader_teams`: the home team and those shared with, as far as they are the reader's; others stay unnamed."""
    seeing = {patient.home_team_id, *shared_with}
    teams = sorted((own_teams[key] for key in seeing & own_teams.keys()), key=lambda team: team.name)
    patient.reader_teams = teams  # type: ignore[attr-defined]  # for the serializers alone


def get_team_for(user: User, team_id: UUID) -> Team:
    """Return one of the person's own teams; `NotFoundError` for any other."""
    team = visible_teams(user).filter(pk=team_id).first()
    if team is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return team

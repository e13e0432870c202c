"""The patient's treatments, as far as the criteria and the time axis need them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from studies.errors import InvalidInputError
from studies.models import Patient, TherapyLine, User
from studies.permissions import ACTING_ROLES, require_role
from studies.services import audit
from studies.services.assessments import settle_tracking

FIRST_YEAR, MOST_YEARS_AHEAD = 1900, 10


@transaction.atomic
def record_therapy(
    patient: Patient, *, values: Mapping[str, Any], line: TherapyLine | None = None, by: User, address: str = ""
) -> TherapyLine:
    """Record a treatment, or change one that is recorded."""
    require_role(by, *ACTING_ROLES)
    Patient.objects.select_for_update().get(pk=patient.pk)
    row = line or TherapyLine(patient=patient, created_by=by)
    for name, value in values.items():
        setattr(row, name, value)
    for when in (row.start_date, row.end_date):
        if when is not None and not FIRST_YEAR <= when.year <= timezone.localdate().year + MOST_YEARS_AHEAD:
            raise InvalidInputError(f"The year {when.year} cannot be right. Write the date with its four-digit year.")
    if row.end_date is not None and row.end_date < row.start_date:
        raise InvalidInputError("The therapy ends before it begins. Correct one of the two dates.")
    row.save()
    settle_tracking(patient)
    act = "therapy.changed" if line else "therapy.recorded"
    audit.record(act=act, actor=by, subject=row, patient=patient, address=address, kind=row.kind)
    return row


@transaction.atomic
def remove_therapy(line: TherapyLine, *, by: User, address: str = "") -> None:
    """Take a treatment out that was recorded by mistake; the audit trail keeps that it was there."""
    require_role(by, *ACTING_ROLES)
    patient = Patient.objects.select_for_update().get(pk=line.patient_id)
    said = {"kind": line.kind, "start": line.start_date, "end": line.end_date, "therapy": str(line.pk)}
    line.delete()
    settle_tracking(patient)
    audit.record(act="therapy.removed", actor=by, subject=patient, patient=patient, address=address, was=said)

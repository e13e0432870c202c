"""Telling browsers that what is known of a patient's lesions differs."""

from __future__ import annotations

from django.db.models import Q

from studies.events import TrackingChanged, publish_on_commit, study_group, worklist_group
from studies.models import Patient, Study, Team


def announce_tracking(patient: Patient) -> None:
    """Tell every worklist and every open study of the patient, once committed: fetch the tracking again."""
    event = TrackingChanged(patient_id=patient.pk)
    sees = Q(home_patients=patient.pk) | Q(patients=patient.pk)
    for team_id in Team.objects.filter(sees).distinct().values_list("pk", flat=True):
        publish_on_commit(worklist_group(team_id), event)
    for study_id in Study.objects.filter(patient=patient).values_list("pk", flat=True):
        publish_on_commit(study_group(study_id), event)

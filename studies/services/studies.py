"""What is noted on a study for the worklist."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Q

from studies.events import WorklistChanged, publish_on_commit, worklist_group
from studies.models import SegmentationState, Study, Team


@transaction.atomic
def note_segmentation_state(study_id: UUID, state: SegmentationState, progress: float) -> None:
    """Keep what the machines do with a study current, and tell the worklists it is on."""
    study = Study.objects.filter(pk=study_id)
    unchanged = study.filter(segmentation_state=state, segmentation_progress=progress)
    if not unchanged.exists():
        study.update(segmentation_state=state, segmentation_progress=progress)
        announce_study(study_id)


def announce_study(study_id: UUID) -> None:
    """Tell the worklists of the patient's teams, once committed, that the study's row differs."""
    sees = Q(home_patients__studies=study_id) | Q(patients__studies=study_id)
    for team_id in Team.objects.filter(sees).distinct().values_list("pk", flat=True):
        publish_on_commit(worklist_group(team_id), WorklistChanged(study_id=study_id))

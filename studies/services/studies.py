"""What is noted on a study for the worklist."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Q

from studies.events import WorklistChanged, publish_on_commit, worklist_group
from studies.models import GateOutcome, Segmentation, SegmentationState, Study, Team


@transaction.atomic
def note_segmentation_state(study_id: UUID, state: SegmentationState, progress: float) -> None:
    """Keep what the machines do with a study current, and tell the worklists it is on.

    Where all went well, a result that a person must look at counts for more; a failed run stays one, and is found
    among what waits for a person as well.
    """
    if state == SegmentationState.SEGMENTED and _waits_for_eyes(study_id):
        state = SegmentationState.NEEDS_EYES
    study = Study.objects.filter(pk=study_id)
    unchanged = study.filter(segmentation_state=state, segmentation_progress=progress)
    if not unchanged.exists():
        study.update(segmentation_state=state, segmentation_progress=progress)
        announce_study(study_id)


@transaction.atomic
def settle_eyes(study_id: UUID) -> None:
    """Take a study off those that wait for a person, where the last segmentation that did has been looked at."""
    waiting = Study.objects.filter(pk=study_id, segmentation_state=SegmentationState.NEEDS_EYES)
    if waiting.exists() and not _waits_for_eyes(study_id):
        waiting.update(segmentation_state=SegmentationState.SEGMENTED)
    announce_study(study_id)


def _waits_for_eyes(study_id: UUID) -> bool:
    judged = Segmentation.objects.filter(series__study=study_id, gate_outcome=GateOutcome.NEEDS_EYES)
    return judged.filter(accepted_at__isnull=True).exists()


def announce_study(study_id: UUID) -> None:
    """Tell the worklists of the patient's teams, once committed, that the study's row differs."""
    sees = Q(home_patients__studies=study_id) | Q(patients__studies=study_id)
    for team_id in Team.objects.filter(sees).distinct().values_list("pk", flat=True):
        publish_on_commit(worklist_group(team_id), WorklistChanged(study_id=study_id))

"""What happens to timepoints whose message was lost: the rows say what is due, not the broker."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from studies.models import MatchingState, Patient, SegmentationRevision, Timepoint
from studies.services.lesion_matching import enqueue_matching

MOST_AT_ONCE = 50


@transaction.atomic
def tend_tracking() -> int:
    """Have patients matched whose timepoints wait or speak of an old revision; return how many.

    Matching what needs no matching changes nothing, so that asking once too often is harmless.
    """
    newer = SegmentationRevision.objects.filter(
        segmentation=OuterRef("segmentation"), number__gt=OuterRef("revision__number")
    )
    due = Timepoint.objects.filter(
        Q(matching_state=MatchingState.WAITING) | Q(Exists(newer), matching_state=MatchingState.MATCHED),
        excluded_reason="",
    )
    patients = Patient.objects.filter(pk__in=due.values(patient=F("study__patient")))[:MOST_AT_ONCE]
    for patient in patients:
        enqueue_matching(patient)
    return len(patients)

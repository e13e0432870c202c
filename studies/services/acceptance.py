"""A person vouches for what a model marked: by accepting it as it is, or by correcting it."""

from __future__ import annotations

from typing import ClassVar

from django.db import transaction
from django.utils import timezone

from studies.errors import ConflictError
from studies.events import SegmentationAccepted, publish_on_commit, study_group
from studies.models import Segmentation, User
from studies.permissions import ACTING_ROLES, require_role
from studies.services import audit
from studies.services.studies import settle_eyes


class AlreadyAcceptedError(ConflictError):
    """A person has vouched for the segmentation before."""

    code: ClassVar[str] = "segmentation.already_accepted"


@transaction.atomic
def accept_segmentation(segmentation: Segmentation, *, accepted_by: User, address: str = "") -> Segmentation:
    """Note that a person has looked at a segmentation and takes it as it is."""
    require_role(accepted_by, *ACTING_ROLES)
    locked = Segmentation.objects.select_for_update().get(pk=segmentation.pk)
    if locked.accepted_at is not None:
        raise AlreadyAcceptedError(
            f"{locked.accepted_by} has already accepted or corrected this segmentation. Reload the page."
        )
    latest = locked.revisions.order_by("-number").first()
    vouch_for(locked, by=accepted_by)
    audit.record(
        act="segmentation.accepted",
        actor=accepted_by,
        subject=locked,
        patient=locked.series.study.patient,
        address=address,
        gate_outcome=locked.gate_outcome,
        digest=latest.digest if latest else "",
    )
    return locked


def vouch_for(segmentation: Segmentation, *, by: User) -> None:
    """Note who was the first person to stand for a locked segmentation; the worklist then asks for nobody more."""
    if segmentation.accepted_at is not None:
        return
    segmentation.accepted_by, segmentation.accepted_at = by, timezone.now()
    segmentation.save(update_fields=["accepted_by", "accepted_at"])
    study_id = segmentation.series.study_id
    publish_on_commit(study_group(study_id), SegmentationAccepted(segmentation_id=segmentation.pk))
    settle_eyes(study_id)

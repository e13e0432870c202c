"""A worker's side of a question why a network marked a lesion."""

from __future__ import annotations

from dataclasses import asdict
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from django.db import transaction

from inference.job_states import JobState
from inference.models import JobMap, SegmentationJob
from inference.pipeline.explanation import Explain, Explained, ExplanationMethod, LesionLostError
from inference.services.endings import close_job, lock_mine, pack_map
from inference.services.job_images import load_images, read_model
from inference.services.lease import Lease
from inference.services.recorder import Recorder
from studies.errors import ConflictError
from studies.label_maps.label_map import LabelMap
from studies.models import SegmentationRevision
from studies.services.segmentations import load_label_map
from studies.tracking.components import find_lesions


class SeriesChangedError(ConflictError):
    """The label map lies on another grid than the images have by now."""

    code: ClassVar[str] = "explanation.series_changed"


def run_explanation(job: SegmentationJob, recorder: Recorder, lease: Lease, *, explain: Explain) -> None:
    """Find the lesion that is asked about, ask the network and store what came out."""
    spec = read_model(job)
    images = load_images(job, spec, recorder)
    asked = job.explanation
    label_map = load_label_map(SegmentationRevision.objects.select_related("blob").get(explanations=job))
    if label_map.voxels.shape != images.volume.geometry.shape:
        raise SeriesChangedError("Images have joined this series since it was segmented. Run the model again first.")
    explained = explain(
        images.volume,
        spec,
        recorder,
        method=ExplanationMethod(asked["method"]),
        segment_number=asked["segment_number"],
        lesion=_find_voxels(label_map, asked["segment_number"], asked["lesion_number"]),
        channels=images.channels,
    )
    recorder.enter("storing")
    maps = [] if explained.found is None else [pack_map(job, explained.found)]
    recorder.close()
    _finish(job, explained, maps, recorder.timings_s, lease.peak_memory_bytes)


def _find_voxels(label_map: LabelMap, segment_number: int, lesion_number: int | None) -> npt.NDArray[np.bool_]:
    """Return the voxels of a lesion, or of the whole segment."""
    mask: npt.NDArray[np.bool_] = np.equal(label_map.voxels, segment_number)
    if lesion_number is None:
        return mask
    for lesion in find_lesions(label_map):
        if (lesion.segment_number, lesion.lesion_number) == (segment_number, lesion_number):
            mask[:] = False
            mask[lesion.box] = lesion.mask
            return mask
    raise LesionLostError(f"This label map has no lesion {lesion_number} of that segment. Choose one from the list.")


@transaction.atomic
def _finish(
    job: SegmentationJob,
    explained: Explained,
    maps: list[JobMap],
    timings_s: dict[str, float],
    peak_memory_bytes: int,
) -> None:
    JobMap.objects.filter(job=job).delete()
    JobMap.objects.bulk_create(maps)  # before the job is read, which is told with its maps
    fresh = lock_mine(job)
    effects = [asdict(effect) for effect in explained.effects]
    fresh.explanation = fresh.explanation | {"score": explained.score, "effects": effects}
    fresh.notes, fresh.stage = job.notes, ""
    close_job(fresh, JobState.SUCCEEDED, timings_s=timings_s, peak_memory_bytes=peak_memory_bytes)

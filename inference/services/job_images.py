"""What a worker reads before it runs a job: the model as it was asked for, and the images it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from inference.model_spec import ModelSpec
from inference.models import SegmentationJob
from inference.registry import get_model
from inference.services.input_images import load_inputs, scale_uptake
from inference.services.recorder import Recorder
from studies.errors import DomainError
from studies.imaging.volume import Volume
from studies.models import Series
from studies.services.volumes import load_colours, load_stack, load_volume


class ModelVersionError(DomainError):
    """The worker holds another version of the model than was asked for."""

    code: ClassVar[str] = "model.version_changed"
    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True)
class JobImages:
    """A job's images.

    Attributes
    ----------
    volume
        The series.
    channels
        On its grid, in the network's order; empty where the series is all there is.
    inputs
        `SegmentationJob.inputs`, saying how each came onto that grid.
    """

    series: Series
    volume: Volume
    channels: tuple[npt.NDArray[np.generic], ...]
    inputs: list[dict[str, Any]]


def read_model(job: SegmentationJob) -> ModelSpec:
    """Return the model of a job.

    Raises
    ------
    ModelVersionError
        Where the catalogue holds another version by now.
    """
    spec = get_model(job.model_name)
    if spec.version != job.model_version:
        raise ModelVersionError(
            f"{spec.title} {job.model_version} was asked for and this worker has {spec.version}. Start a new job."
        )
    return spec


def load_images(job: SegmentationJob, spec: ModelSpec, recorder: Recorder) -> JobImages:
    """Return the images of a job; raises as `load_inputs` and `load_volume` do."""
    recorder.enter("loading")
    series = Series.objects.select_related("study__patient").get(pk=job.series_id)
    volume = load_volume(series) if spec.needs_volume else load_stack(series)
    if spec.reads_uptake:
        volume = scale_uptake(series, volume)
    if job.inputs:
        recorder.enter("aligning")
    channels, inputs = load_inputs(job, volume)
    if spec.reads_colours:
        channels = load_colours(series)
    return JobImages(series, volume, tuple(channels), inputs)

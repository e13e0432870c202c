"""From a lesion to what the network's answer there rests on: the seam between machines and everything else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from inference.classical.grey_values import GreyValues, require_finite
from inference.model_spec import ModelSpec, OnProgress, Progress
from inference.pipeline.explanation import Explained, ExplanationMethod, require_explainable
from studies.imaging.volume import Volume


def explain(
    volume: Volume,
    spec: ModelSpec,
    on_progress: OnProgress,
    *,
    method: ExplanationMethod,
    segment_number: int,
    lesion: npt.NDArray[np.bool_],
    channels: Sequence[GreyValues] = (),
) -> Explained:
    """Ask a network why it marked a lesion.

    Parameters
    ----------
    volume, spec, on_progress, channels
        As for `inference.pipeline.segment.segment`.
    method
        How to ask.
    segment_number
        The segment that the lesion belongs to.
    lesion
        Its voxels, (slice, row, column) on the volume's grid.

    Raises
    ------
    inference.model_spec.CancelledError
        Where `on_progress` asked to stop.
    studies.errors.DomainError
        Where the network cannot be asked so; its code and message say why.
    """
    require_explainable(spec, method)
    images = tuple(channels) or (volume.voxels,)
    for image in images:
        require_finite(image)
    on_progress(Progress("loading_model", 0, 0))
    # torch takes seconds to import
    from inference.pipeline.explained_network import explain_network

    return explain_network(
        images, volume.geometry, spec, on_progress, method=method, segment_number=segment_number, lesion=lesion
    )

"""From a volume to a label map, whatever the method: the one seam between machines and everything else."""

from __future__ import annotations

from collections.abc import Sequence

from inference.classical.grey_values import GreyValues, require_finite
from inference.model_spec import Focus, Method, ModelSpec, OnProgress, Parameters, Progress, read_number
from inference.pipeline.methods import CLASSICAL_METHODS, COLOUR_METHODS
from inference.pipeline.sweep import sweep
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap, SegmentDescription


def segment(
    volume: Volume,
    spec: ModelSpec,
    on_progress: OnProgress,
    *,
    parameters: Parameters,
    focus: Focus = (0, 0, 0),
    channels: Sequence[GreyValues] = (),
) -> LabelMap:
    """Segment a volume, reporting each box of labels as it becomes final.

    Parameters
    ----------
    volume
        Grey values with axes (slice, row, column).
    spec
        The model, from `inference.registry`.
    on_progress
        Called between windows: may raise `CancelledError` to stop, may return the voxel now looked at. The
        boxes it is given together make up the label map that is returned, bit for bit.
    parameters
        As `inference.registry.validate_parameters` returns them.
    focus
        Voxel (slice, row, column) that the reader looks at. What lies near it comes first; it never changes the result.
    channels
        All images of a network that reads several, on the volume's grid, in the order of `NetworkSpec.channels`; empty
        where the volume is the only one.

    Raises
    ------
    inference.model_spec.CancelledError
        Where `on_progress` asked to stop.
    studies.errors.DomainError
        Where the image or the weights cannot be used; its code and message say why.
    """
    on_progress(Progress("preparing", 0, 0))
    images = tuple(channels) or (volume.voxels,)
    for image in images:
        require_finite(image)
    if spec.method is Method.NETWORK:
        on_progress(Progress("loading_model", 0, 0))
        # torch takes seconds to import, and only a network needs it
        from inference.pipeline.network_run import segment_channels

        labels = segment_channels(images, volume.geometry, spec, on_progress, focus=focus)
    else:
        if spec.reads_colours:
            label_slices = COLOUR_METHODS[spec.method](channels, parameters)
        else:
            label_slices = CLASSICAL_METHODS[spec.method](volume, parameters)
        labels = sweep(volume.geometry.shape, label_slices, on_progress, focus=focus)
    return LabelMap(labels, volume.geometry, _describe_segments(spec, parameters))


def _describe_segments(spec: ModelSpec, parameters: Parameters) -> tuple[SegmentDescription, ...]:
    """Return the segments that may occur: of k classes only the first k."""
    if spec.method is Method.KMEANS:
        return spec.segments[: int(read_number(parameters, "classes"))]
    return spec.segments

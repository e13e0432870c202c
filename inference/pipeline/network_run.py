"""A network entry of the registry, run over a volume."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from torch import nn

from inference.model_spec import ModelSpec, NetworkSpec, OnProgress, Progress
from inference.pipeline.device import Forward, pick_device
from inference.pipeline.engine import run_windows
from inference.pipeline.manifest import WEIGHTS_FOLDER
from inference.pipeline.networks import build_network
from inference.pipeline.postprocess import Labels, SliceLabeller
from inference.pipeline.preprocess import find_working_shape, measure_grey_scale, pad_to_window, resample
from inference.pipeline.weights import load_weights
from inference.pipeline.windows import WindowGrid
from studies.imaging.volume import Volume


def segment_with_network(
    volume: Volume, spec: ModelSpec, on_progress: OnProgress, *, focus_slice: int, folder: Path = WEIGHTS_FOLDER
) -> Labels:
    """Load a network from `folder`, bring the volume onto its grid and run it window by window."""
    if spec.network is None:
        raise ValueError(f"{spec.name} is not a network.")
    on_progress(Progress("loading", 0, 0))
    forward = Forward(_load_network(spec.network, len(spec.segments) + 1, folder), pick_device())
    on_progress(Progress("preparing", 0, 0))
    shape = volume.geometry.shape
    working_shape = find_working_shape(shape, volume.geometry.spacing_mm, spec.network.spacing_mm)
    image = measure_grey_scale(volume.voxels).apply(resample(volume.voxels, working_shape))
    image = pad_to_window(image, spec.network.window)
    padded = (image.shape[0], image.shape[1], image.shape[2])
    labeller = SliceLabeller(WindowGrid(padded, spec.network.window, spec.network.overlap), shape, working_shape)
    return run_windows(image, labeller, forward, on_progress, focus_slice=focus_slice)


@lru_cache(maxsize=2)
def _load_network(network: NetworkSpec, classes: int, folder: Path) -> nn.Module:
    """Return a network with its weights; the last two stay warm in a worker."""
    module = build_network(network.architecture, network.channels, classes)
    load_weights(module, folder / network.weights_path, sha256=network.weights_sha256)
    return module.eval()

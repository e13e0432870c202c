"""A network entry of the registry, run over a volume."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from inference.model_spec import Focus, ModelSpec, NetworkSpec, OnProgress, Progress
from inference.pipeline.backends.torch_backend import TorchForward, measure_room
from inference.pipeline.device import pick_device
from inference.pipeline.engine import run_windows
from inference.pipeline.labelling import Labels, Resampling
from inference.pipeline.manifest import WEIGHTS_FOLDER
from inference.pipeline.networks import build_network
from inference.pipeline.preprocess import find_working_shape, measure_grey_scale, pad_to_window, resample
from inference.pipeline.weights import load_weights
from inference.pipeline.windows import WindowGrid
from studies.imaging.volume import Volume


def segment_with_network(
    volume: Volume, spec: ModelSpec, on_progress: OnProgress, *, focus: Focus, folder: Path = WEIGHTS_FOLDER
) -> Labels:
    """Load a network from `folder`, bring the volume onto its grid and run it window by window."""
    if spec.network is None:
        raise ValueError(f"{spec.name} is not a network.")
    on_progress(Progress("loading", 0, 0))
    forward = _load_forward(spec.network, len(spec.segments) + 1, folder)
    on_progress(Progress("preparing", 0, 0))
    shape = volume.geometry.shape
    working_shape = find_working_shape(shape, volume.geometry.spacing_mm, spec.network.spacing_mm)
    image = measure_grey_scale(volume.voxels).apply(resample(volume.voxels, working_shape))
    padded, before = pad_to_window(image[None], spec.network.window, float(image.min()))
    planes, rows, columns = padded.shape[1:]
    grid = WindowGrid((planes, rows, columns), spec.network.window, spec.network.overlap)
    return run_windows(padded, grid, Resampling(shape, working_shape, before), forward, on_progress, focus=focus)


@lru_cache(maxsize=2)
def _load_forward(network: NetworkSpec, classes: int, folder: Path) -> TorchForward:
    """Return a network with its weights on its device; the last two stay warm in a worker."""
    module = build_network(network.architecture, network.channels, classes)
    load_weights(module, folder / network.weights_path, sha256=network.weights_sha256)
    device = pick_device()
    together = measure_room(module, device, (1, *network.window))
    return TorchForward(module, device, classes=classes, together=together)

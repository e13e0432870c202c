"""A network entry of the registry, run over a volume."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from inference.classical.grey_values import GreyValues
from inference.input_images import ChannelsMissingError
from inference.model_spec import Focus, ModelSpec, OnProgress, Progress
from inference.network_spec import Decision, DecisionRule, GridPlacement, NetworkSpec, WeightsFile
from inference.pipeline.averaging import Ensemble, Mirrored
from inference.pipeline.backends.choice import (
    NetworkSource,
    build_chosen,
    check_backends,
    describe_machine,
    make_sample,
)
from inference.pipeline.backends.records import BackendCheck, write_record
from inference.pipeline.device import pick_device
from inference.pipeline.engine import Forward, run_windows
from inference.pipeline.labelling import Decide, DecideByRegions, Labels, Positions, Resampling, decide_by_highest
from inference.pipeline.manifest import WEIGHTS_FOLDER
from inference.pipeline.networks import SliceBySlice, build_spec_network
from inference.pipeline.nnunet_run import ARCHITECTURE as NNUNET
from inference.pipeline.nnunet_run import list_folds, segment_with_nnunet
from inference.pipeline.normalise import normalise
from inference.pipeline.preprocess import (
    Image,
    find_working_shape,
    pad_to_window,
    resample,
    resample_from_first_voxel,
)
from inference.pipeline.tiles import UNITS_PER_SCORE
from inference.pipeline.turning import Turn, find_turn
from inference.pipeline.weights import load_weights, read_checked
from inference.pipeline.windows import GridRule, Shape, WindowGrid
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume

Steps = tuple[float, float, float]


def segment_with_network(
    volume: Volume, spec: ModelSpec, on_progress: OnProgress, *, focus: Focus, folder: Path | None = None
) -> Labels:
    """Run a network over one volume; see `segment_channels`."""
    return segment_channels((volume.voxels,), volume.geometry, spec, on_progress, focus=focus, folder=folder)


def segment_channels(
    channels: Sequence[GreyValues],
    geometry: VolumeGeometry,
    spec: ModelSpec,
    on_progress: OnProgress,
    *,
    focus: Focus,
    folder: Path | None = None,
) -> Labels:
    """Load a network, bring its channels onto its grid and run it window by window.

    Parameters
    ----------
    channels
        Grey values (slice, row, column) on one grid, in the order of `NetworkSpec.channels`.
    geometry
        That grid.
    folder
        Where the weights lie; None takes the entry's own folder.

    Raises
    ------
    ChannelsMissingError
        Where there are more or fewer channels than the network was trained with.
    """
    network = spec.network
    if network is None:
        raise ValueError(f"{spec.name} is not a network.")
    _require_channels(network, len(channels), spec.title)
    folder = folder or spec.folder or WEIGHTS_FOLDER
    on_progress(Progress("loading", 0, 0))
    if network.architecture == NNUNET:
        return segment_with_nnunet(channels, geometry, network, folder, on_progress, focus=focus)
    forward = _load_forward(network, network.count_scores(len(spec.segments)), folder)
    on_progress(Progress("preparing", 0, 0))
    turn = find_turn(geometry, network.orientation)
    spacing_mm = turn.turn_values(geometry.spacing_mm)
    working_shape = find_working_shape(turn.turned_shape, spacing_mm, network.spacing_mm, network.placement)
    image = np.stack(
        [_prepare(turn, channels, index, network, spacing_mm, working_shape) for index in range(len(channels))]
    )
    value = float(image.min()) if network.pad_value is None else network.pad_value
    padded, before = pad_to_window(image, network.window, value)
    planes, rows, columns = padded.shape[1:]
    grid = WindowGrid((planes, rows, columns), network.window, network.overlap, GridRule(network.grid))
    labels = run_windows(
        padded,
        grid,
        _way_back(network, turn, spacing_mm, working_shape, before),
        forward,
        _TurnedProgress(on_progress, turn),
        focus=turn.turn_voxel(focus),
        decide=choose_decide(network.decision),
    )
    return np.ascontiguousarray(turn.turn_back(labels))


def _require_channels(network: NetworkSpec, count: int, title: str) -> None:
    if count != len(network.channels):
        wanted = ", ".join(channel.name for channel in network.channels)
        raise ChannelsMissingError(
            f"{title} needs {len(network.channels)} images ({wanted}), and {count} were given. "
            "Choose a study that has them all, or another model."
        )


def _prepare(
    turn: Turn,
    channels: Sequence[GreyValues],
    index: int,
    network: NetworkSpec,
    spacing_mm: Steps,
    working_shape: Shape,
) -> Image:
    voxels: GreyValues = turn.turn(channels[index])
    if network.spacing_mm is not None and network.placement is GridPlacement.SAME_FIRST_VOXEL:
        image = resample_from_first_voxel(voxels, working_shape, _steps(network.spacing_mm, spacing_mm))
    else:
        image = resample(voxels, working_shape)
    return normalise(image, channels[index], network.channels[index].normalisation)


def _steps(first_mm: Steps, second_mm: Steps) -> Steps:
    x, y, z = (first / second for first, second in zip(first_mm, second_mm, strict=True))
    return x, y, z


def _way_back(network: NetworkSpec, turn: Turn, spacing_mm: Steps, working_shape: Shape, before: Shape) -> Resampling:
    is_linear = network.decision.is_interpolated
    resampling = Resampling(turn.turned_shape, working_shape, before, (is_linear,) * 3)
    if network.spacing_mm is not None and network.placement is GridPlacement.SAME_FIRST_VOXEL:
        steps = _steps(spacing_mm, network.spacing_mm)
        places = zip(turn.turned_shape, working_shape, before, steps, strict=True)
        positions = tuple(_from_first_voxel(*place, is_linear=is_linear) for place in places)
        object.__setattr__(resampling, "positions", positions)
    return resampling


def _from_first_voxel(size: int, size_working: int, before: int, step: float, *, is_linear: bool) -> Positions:
    places = np.minimum(np.arange(size) * step, size_working - 1)
    if not is_linear:
        places = np.round(places)
    below = np.floor(places).astype(np.intp)
    share = (places - below).astype(np.float32)
    above = np.where(share > 0, np.minimum(below + 1, size_working - 1), below)
    return Positions(below + before, above + before, share)


def choose_decide(decision: Decision) -> Decide:
    """Return the rule that turns scores into labels."""
    if decision.rule is DecisionRule.HIGHEST:
        return decide_by_highest
    return _DecideByOrderedRegions(decision)


class _DecideByOrderedRegions:
    """Regions in the order of writing, above a threshold of probability instead of one half."""

    def __init__(self, decision: Decision) -> None:
        self._order = list(decision.order or range(len(decision.labels)))
        self._decide = DecideByRegions(tuple(decision.labels[number] for number in self._order))
        self._score = math.log(decision.threshold / (1.0 - decision.threshold))

    def __call__(self, scores: torch.Tensor) -> torch.Tensor:
        """Return the labels of summed units or interpolated scores."""
        return self._decide(scores[self._order] - self._score * UNITS_PER_SCORE)


class _TurnedProgress:
    """Hands on what the engine reports along the network's axes as slices, rows and columns."""

    def __init__(self, on_progress: OnProgress, turn: Turn) -> None:
        self._on_progress = on_progress
        self._turn = turn

    def __call__(self, progress: Progress) -> Focus | None:
        slab, origin = progress.slab, progress.slab_origin
        if slab is not None:
            depth, rows, columns = slab.shape
            origin = self._turn.turn_back_origin(origin, (depth, rows, columns))
            slab = np.ascontiguousarray(self._turn.turn_back(slab))
        focus = self._on_progress(Progress(progress.stage, progress.windows_done, progress.windows_total, slab, origin))
        return None if focus is None else self._turn.turn_voxel(focus)


@lru_cache(maxsize=2)
def _load_forward(network: NetworkSpec, scores: int, folder: Path) -> Forward:
    """Return a network with its weights on its device; the last two stay warm in a worker."""
    forwards = tuple(_load_one(network, file, scores, folder) for file in network.weights)
    forward: Forward = forwards[0] if len(forwards) == 1 else Ensemble(forwards)
    return Mirrored(forward, network.mirror_axes) if network.mirror_axes else forward


def check_network(spec: ModelSpec) -> tuple[tuple[BackendCheck, ...], ...]:
    """Try every backend on each network of an entry (one, or one a stage) and keep what was found on this machine."""
    network = spec.network
    if network is None:
        raise ValueError(f"{spec.name} is not a network.")
    device, folder = pick_device(), spec.folder or WEIGHTS_FOLDER
    if network.architecture == NNUNET:
        stages = list_folds(network, folder)
    else:
        source = _source_of(network, network.weights[0], network.count_scores(len(spec.segments)), folder)
        stages = [(source, network.weights)]
    found = []
    for source, files in stages:
        checks = check_backends(source, device, make_sample(source.window_shape))
        for file in files:
            write_record(file.sha256, describe_machine(device), checks)
        found.append(checks)
    _load_forward.cache_clear()
    return tuple(found)


def _load_one(network: NetworkSpec, file: WeightsFile, scores: int, folder: Path) -> Forward:
    return build_chosen(_source_of(network, file, scores, folder), file.sha256, pick_device())


def _source_of(network: NetworkSpec, file: WeightsFile, scores: int, folder: Path) -> NetworkSource:
    shape = (len(network.channels), *network.window)
    path = folder / file.path
    if network.architecture == "onnx":
        read_checked(path, sha256=file.sha256)
        return NetworkSource(None, path, shape, scores)
    if network.architecture == "torchscript":
        data = io.BytesIO(read_checked(path, sha256=file.sha256))
        module = torch.jit.load(data, map_location="cpu")  # type: ignore[no-untyped-call]  # torch ships it untyped
        if network.flat_axis is not None:
            module = SliceBySlice(module, network.flat_axis)
    else:
        module = build_spec_network(network, scores)
        load_weights(module, path, sha256=file.sha256)
    return NetworkSource(module.eval(), None, shape, scores)

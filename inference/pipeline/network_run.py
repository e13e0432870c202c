"""A network entry of the registry, run over a volume."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from inference.classical.grey_values import GreyValues
from inference.input_images import ChannelsMissingError
from inference.model_spec import Focus, ModelSpec, OnProgress, Progress
from inference.network_spec import LEAST_VOLUME_SLICES, Decision, DecisionRule, NetworkSpec, WeightsFile
from inference.pipeline.answers import deliver_answers, is_gathering_answers
from inference.pipeline.averaging import Ensemble, Mirrored
from inference.pipeline.backends.choice import (
    NetworkSource,
    build_chosen,
    check_backends,
    describe_machine,
    find_sample_shape,
    make_sample,
)
from inference.pipeline.backends.records import BackendCheck, write_record
from inference.pipeline.device import pick_device
from inference.pipeline.engine import Forward, run_windows
from inference.pipeline.job_maps import deliver_map, is_gathering
from inference.pipeline.labelling import Decide, DecideByRegions, Labels, Resampling, decide_by_highest
from inference.pipeline.largest_component import HoldBack
from inference.pipeline.manifest import WEIGHTS_FOLDER
from inference.pipeline.network_features import deliver_input
from inference.pipeline.network_input import NetworkInput, prepare_input
from inference.pipeline.networks import SliceBySlice, build_spec_network
from inference.pipeline.nnunet_run import ARCHITECTURE as NNUNET
from inference.pipeline.nnunet_run import list_folds, segment_with_nnunet
from inference.pipeline.probabilities import CONVERSIONS, UNITS_PER_PROBABILITY
from inference.pipeline.three_planes import InThreePlanes, weigh_planes
from inference.pipeline.tiles import UNITS_PER_SCORE
from inference.pipeline.turning import Turn, find_turn
from inference.pipeline.uncertainty import Doubt
from inference.pipeline.warm_models import WARM_MODELS
from inference.pipeline.weights import count_weights_bytes, load_weights, read_checked
from inference.pipeline.windows import GridRule, WindowGrid
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume


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
    require_channels(network, len(channels), spec.title)
    folder = folder or spec.folder or WEIGHTS_FOLDER
    on_progress(Progress("loading_model", 0, 0))
    if network.keep_largest:
        holding = HoldBack(on_progress, network.keep_largest)
        plain = replace(spec, network=replace(network, keep_largest=()))
        return holding.finish(segment_channels(channels, geometry, plain, holding, focus=focus, folder=folder))
    if network.architecture == NNUNET:
        return segment_with_nnunet(channels, geometry, network, folder, on_progress, focus=focus)
    scores = network.count_scores(len(spec.segments))
    key = (network, scores, folder, str(pick_device()))
    with WARM_MODELS.use(
        key, lambda: _load_forward(network, scores, folder), least_bytes=count_weights_bytes(network.weights, folder)
    ) as forward:
        if network.volumes is not None and geometry.shape[0] >= LEAST_VOLUME_SLICES:
            sides = find_turn(geometry, network.volumes.orientation).turn_values(geometry.sides_mm)
            cubes, planes = network.place_in_volume(max(sides)), InThreePlanes(forward, weigh_planes(sides))
            # fitted to single slices near what they outline, its temperature says nothing of the mean of three planes:
            # it would lift the whole background of a volume
            plain = replace(spec, calibration=None)
            return _segment_with(planes, channels, geometry, cubes, on_progress, focus, plain, folder)
        return _segment_with(forward, channels, geometry, network, on_progress, focus, spec, folder)


def _segment_with(
    forward: Forward,
    channels: Sequence[GreyValues],
    geometry: VolumeGeometry,
    network: NetworkSpec,
    on_progress: OnProgress,
    focus: Focus,
    spec: ModelSpec,
    folder: Path,
) -> Labels:
    """Run a network on the grid of `network`: its own, or that of the volume which a network of slices reads."""
    on_progress(Progress("preparing", 0, 0))
    given = prepare_input(channels, geometry, network)
    turn = given.turn
    sides = None if network.spacing_mm is None else turn.turn_values(geometry.sides_mm)
    deliver_input(given, spec.network or network, forward.classes, folder, sides)
    grid = WindowGrid(given.shape, network.window, network.overlap, GridRule(network.grid))
    way_back = _way_back(network, given)
    wants_doubt = is_gathering() or is_gathering_answers()
    doubt = _doubt_of(network, forward.classes, way_back, spec.temperature) if wants_doubt else None
    labels = run_windows(
        given.image,
        grid,
        way_back,
        forward,
        _TurnedProgress(on_progress, turn),
        focus=turn.turn_voxel(focus),
        decide=choose_decide(network.decision, is_probability=way_back.convert is not None),
        measure=None if doubt is None else doubt.measure,
    )
    if doubt is not None:
        found = doubt.build_map(labels)
        deliver_map(replace(found, voxels=np.ascontiguousarray(turn.turn_back(found.voxels))))
        if doubt.logits is not None:
            deliver_answers(np.stack([turn.turn_back(scores) for scores in doubt.logits]))
    return np.ascontiguousarray(turn.turn_back(labels))


def require_channels(network: NetworkSpec, count: int, title: str) -> None:
    """Raise `ChannelsMissingError` unless there are as many images as the network was trained with."""
    if count != len(network.channels):
        wanted = ", ".join(channel.name for channel in network.channels)
        raise ChannelsMissingError(
            f"{title} needs {len(network.channels)} images ({wanted}), and {count} were given. "
            "Choose a study that has them all, or another model."
        )


def _way_back(network: NetworkSpec, given: NetworkInput) -> Resampling:
    is_linear = network.decision.is_interpolated
    positions = given.working.find_positions(given.before, is_linear=is_linear)
    resampling = Resampling(given.turn.turned_shape, given.working.shape, given.before, positions=positions)
    if is_linear and not resampling.is_same_grid:
        return replace(resampling, convert=CONVERSIONS[network.decision.interpolated])
    return resampling


def _doubt_of(network: NetworkSpec, scores: int, way_back: Resampling, temperature: float) -> Doubt:
    decision = network.decision
    is_regions = decision.rule is DecisionRule.REGIONS
    return Doubt(
        way_back.shape,
        decision.labels if is_regions else tuple(range(1, scores)),
        is_regions=is_regions,
        is_probability=way_back.convert is not None,
        temperature=temperature,
        keeps_logits=is_gathering_answers(),
    )


def choose_decide(decision: Decision, *, is_probability: bool = False) -> Decide:
    """Return the rule that turns summed scores, or interpolated probabilities, into labels."""
    if decision.rule is DecisionRule.HIGHEST:
        return decide_by_highest
    if is_probability:
        return _DecideByOrderedRegions(decision, decision.threshold * UNITS_PER_PROBABILITY)
    return _DecideByOrderedRegions(
        decision, math.log(decision.threshold / (1.0 - decision.threshold)) * UNITS_PER_SCORE
    )


class _DecideByOrderedRegions:
    """Regions in the order of writing, each on where it exceeds a number of units."""

    def __init__(self, decision: Decision, units: float) -> None:
        self._order = list(decision.order or range(len(decision.labels)))
        self._decide = DecideByRegions(tuple(decision.labels[number] for number in self._order))
        self._units = units

    def __call__(self, scores: torch.Tensor) -> torch.Tensor:
        """Return the labels."""
        return self._decide(scores[self._order] - self._units)


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


def _load_forward(network: NetworkSpec, scores: int, folder: Path) -> Forward:
    """Return a network with its weights on its device."""
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
        source = source_of(network, network.weights[0], network.count_scores(len(spec.segments)), folder)
        stages = [(source, network.weights)]
    found = []
    for source, files in stages:
        checks = check_backends(source, device, make_sample(find_sample_shape(source)))
        for file in files:
            write_record(file.sha256, describe_machine(device), checks)
        found.append(checks)
    WARM_MODELS.clear()
    return tuple(found)


def _load_one(network: NetworkSpec, file: WeightsFile, scores: int, folder: Path) -> Forward:
    return build_chosen(source_of(network, file, scores, folder), file.sha256, pick_device())


def source_of(network: NetworkSpec, file: WeightsFile, scores: int, folder: Path) -> NetworkSource:
    """Read one of a network's weights files; torch modules are on the CPU and in evaluation mode."""
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

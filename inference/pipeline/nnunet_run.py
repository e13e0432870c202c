"""An nnU-Net, or the stages of a cascade, run over a volume window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from inference.model_spec import Focus, OnProgress, Progress
from inference.network_spec import NetworkSpec, WeightsFile
from inference.pipeline.averaging import Ensemble, Mirrored
from inference.pipeline.backends.choice import NetworkSource, build_chosen
from inference.pipeline.device import pick_device
from inference.pipeline.engine import Forward, run_windows
from inference.pipeline.job_maps import deliver_map, is_gathering
from inference.pipeline.labelling import Decide, DecideByRegions, Labels, Resampling, decide_by_highest
from inference.pipeline.nnunet_networks import NnunetNetwork
from inference.pipeline.nnunet_plan import Plan, PlanError, read_plan
from inference.pipeline.nnunet_preprocess import Box, Prepared, prepare
from inference.pipeline.preprocess import Shape, pad_to_window
from inference.pipeline.uncertainty import Doubt
from inference.pipeline.warm_models import WARM_MODELS
from inference.pipeline.weights import count_weights_bytes, load_weights
from inference.pipeline.windows import GridRule, WindowGrid
from studies.imaging.geometry import VolumeGeometry

ARCHITECTURE = "nnunet"
"""What `NetworkSpec.architecture` says of an nnU-Net."""

Channels = Sequence[npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Stage:
    """One configuration with its networks.

    Attributes
    ----------
    plan
        What goes in and what comes out.
    forward
        All folds, mirrored or not.
    """

    plan: Plan
    forward: Forward


def segment_with_nnunet(
    channels: Channels,
    geometry: VolumeGeometry,
    network: NetworkSpec,
    folder: Path,
    on_progress: OnProgress,
    *,
    focus: Focus,
) -> Labels:
    """Run an entry of the registry that was an nnU-Net result folder.

    `NetworkSpec.arguments` holds its "plans", its "dataset" and its "stages", each a configuration with the number of
    its folds; the weights of all folds follow each other in this order.
    """
    with WARM_MODELS.use(
        (network, folder, str(pick_device())),
        lambda: _load_stages(network, folder),
        least_bytes=count_weights_bytes(network.weights, folder),
    ) as stages:
        return run_stages(channels, geometry, stages, on_progress, focus=focus)


def _load_stages(network: NetworkSpec, folder: Path) -> tuple[Stage, ...]:
    """Return networks with their weights on their device."""
    files = list(network.weights)
    stages = []
    for plan, folds in list_plans(network):
        forwards = tuple(_load_fold(plan, file, folder) for file in files[:folds])
        del files[:folds]
        forward: Forward = forwards[0] if len(forwards) == 1 else Ensemble(forwards)
        stages.append(Stage(plan, Mirrored(forward, network.mirror_axes) if network.mirror_axes else forward))
    return tuple(stages)


def list_plans(network: NetworkSpec) -> list[tuple[Plan, int]]:
    """Return the plan of each stage and the number of its folds."""
    arguments = cast(Mapping[str, Any], network.arguments)
    try:
        stages = [
            (read_plan(arguments["plans"], arguments["dataset"], name), int(folds))
            for name, folds in arguments["stages"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise PlanError(f"The manifest does not describe an nnU-Net: {error!r}.") from error
    if sum(folds for _, folds in stages) != len(network.weights) or min(folds for _, folds in stages) < 1:
        raise PlanError("The manifest names more or fewer weights than folds.")
    return stages


def list_folds(network: NetworkSpec, folder: Path) -> list[tuple[NetworkSource, tuple[WeightsFile, ...]]]:
    """Return for each stage the network of its first fold, and the weights of all its folds."""
    files = list(network.weights)
    stages = []
    for plan, folds in list_plans(network):
        stages.append((_read_fold(plan, files[0], folder), tuple(files[:folds])))
        del files[:folds]
    return stages


def _load_fold(plan: Plan, file: WeightsFile, folder: Path) -> Forward:
    return build_chosen(_read_fold(plan, file, folder), file.sha256, pick_device())


def _read_fold(plan: Plan, file: WeightsFile, folder: Path) -> NetworkSource:
    module = NnunetNetwork(plan.layers, plan.channels_in, plan.heads.count)
    load_weights(module, folder / file.path, sha256=file.sha256)
    return NetworkSource(module.eval(), None, (plan.channels_in, *plan.window), plan.heads.count)


def run_stages(
    channels: Channels, geometry: VolumeGeometry, stages: Sequence[Stage], on_progress: OnProgress, *, focus: Focus
) -> Labels:
    """Run all stages, each with the label map of the one before, and return the last one's labels.

    Parameters
    ----------
    channels, geometry
        Images on the series' grid, as `inference.pipeline.nnunet_preprocess.prepare` takes them.
    stages
        One, or the two of a cascade.
    on_progress, focus
        As for `inference.pipeline.segment.segment`.
    """
    *earlier, last = stages
    labels: Labels | None = None
    for stage in earlier:
        labels = run_stage(channels, geometry, stage, _Quietly(on_progress), focus=focus, previous=labels)
    return run_stage(channels, geometry, last, on_progress, focus=focus, previous=labels, is_last=True)


def run_stage(
    channels: Channels,
    geometry: VolumeGeometry,
    stage: Stage,
    on_progress: OnProgress,
    *,
    focus: Focus,
    previous: Labels | None = None,
    is_last: bool = False,
) -> Labels:
    """Run one stage and return labels (slice, row, column) on the series' own grid; the last tells its doubt."""
    plan = stage.plan
    on_progress(Progress("preparing", 0, 0))
    prepared = prepare(channels, geometry, plan, previous)
    image, before = pad_to_window(prepared.image, plan.window, 0.0)
    planes, rows, columns = image.shape[1:]
    grid = WindowGrid((planes, rows, columns), plan.window, plan.overlap, GridRule.NNUNET)
    planes, rows, columns = prepared.image.shape[1:]
    resampling = Resampling(prepared.crop_shape, (planes, rows, columns), before, prepared.is_linear)
    decide: Decide = DecideByRegions(plan.heads.regions) if plan.heads.regions else decide_by_highest
    report = _InSeries(on_progress, prepared)
    report.send_outside(grid.window_count)
    doubt = _doubt_of(plan, resampling) if is_last and is_gathering() else None
    labels = run_windows(
        image,
        grid,
        resampling,
        stage.forward,
        report,
        focus=report.find_inside(focus),
        decide=decide,
        measure=None if doubt is None else doubt.measure,
    )
    if doubt is not None:
        found = doubt.build_map(labels)
        deliver_map(replace(found, voxels=_fill_in(found.voxels, prepared)))
    return _fill_in(labels, prepared)


def _doubt_of(plan: Plan, resampling: Resampling) -> Doubt:
    if plan.heads.regions:
        return Doubt(resampling.shape, plan.heads.regions, is_regions=True)
    return Doubt(resampling.shape, tuple(range(1, plan.heads.count)))


def _fill_in(part: Labels, prepared: Prepared) -> Labels:
    """Return what was found in the part that is segmented as the whole series, 0 elsewhere."""
    full = np.zeros(prepared.turn.turned_shape, np.uint8)
    full[prepared.crop] = part
    return np.ascontiguousarray(prepared.turn.turn_back(full))


class _Quietly:
    """Progress of a stage whose labels are nobody's but the next stage's."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress

    def __call__(self, progress: Progress) -> Focus | None:
        return self._on_progress(Progress("preparing", progress.windows_done, progress.windows_total))


class _InSeries:
    """Progress and places of the part that is segmented, as those of the whole series in its own axis order."""

    def __init__(self, on_progress: OnProgress, prepared: Prepared) -> None:
        self._on_progress = on_progress
        self._prepared = prepared

    def __call__(self, progress: Progress) -> Focus | None:
        if progress.slab is not None:
            z, y, x = (
                slice(part.start + first, part.start + first + size)
                for part, first, size in zip(
                    self._prepared.crop, progress.slab_origin, progress.slab.shape, strict=True
                )
            )
            progress = self._place(progress.slab, (z, y, x), progress.windows_done, progress.windows_total)
        focus = self._on_progress(progress)
        return None if focus is None else self.find_inside(focus)

    def find_inside(self, focus: Focus) -> Focus:
        """Return where a voxel of the series lies in the part that is segmented; outside of it, beyond its edge."""
        place = self._prepared.turn.turn_voxel(focus)
        z, y, x = (index - part.start for index, part in zip(place, self._prepared.crop, strict=True))
        return z, y, x

    def send_outside(self, windows: int) -> None:
        """Report what lies outside the part that is segmented: background from the beginning."""
        for box in _list_outside(self._prepared.crop, self._prepared.turn.turned_shape):
            background = np.zeros([part.stop - part.start for part in box], np.uint8)
            self._on_progress(self._place(background, box, 0, windows))

    def _place(self, slab: Labels, box: Box, done: int, total: int) -> Progress:
        turn = self._prepared.turn
        depth, rows, columns = slab.shape
        origin = turn.turn_back_origin((box[0].start, box[1].start, box[2].start), (depth, rows, columns))
        return Progress("segmenting", done, total, np.ascontiguousarray(turn.turn_back(slab)), origin)


def _list_outside(crop: Box, shape: Shape) -> Iterator[Box]:
    """Cut what lies around a box into boxes that do not overlap."""
    inner: list[slice] = [slice(0, size) for size in shape]
    for axis in range(3):
        for side in (slice(0, crop[axis].start), slice(crop[axis].stop, shape[axis])):
            if side.stop > side.start:
                z, y, x = (side if a == axis else part for a, part in enumerate(inner))
                yield z, y, x
        inner[axis] = crop[axis]

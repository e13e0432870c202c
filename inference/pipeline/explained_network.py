"""A network of the registry, asked why it marked a lesion, in one window about it on its own grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from inference.classical.grey_values import GreyValues
from inference.model_spec import ModelSpec, OnProgress, Progress
from inference.network_spec import LEAST_VOLUME_SLICES, NetworkSpec
from inference.pipeline.attribution import (
    GRADIENT_STEPS,
    ablate_channels,
    choose_patches,
    integrate_gradients,
    map_activations,
    occlude,
)
from inference.pipeline.backends.choice import NetworkSource
from inference.pipeline.backends.onnx_backend import OnnxForward
from inference.pipeline.device import limit_threads, pick_device
from inference.pipeline.engine import NOT_FINITE, NetworkOutputError
from inference.pipeline.explanation import (
    STAGE,
    Explained,
    ExplanationMethod,
    NoGradientsError,
    WindowTooLargeError,
)
from inference.pipeline.lesion_score import Answer, LesionScore, Network, Reading, Slices, WholeCube
from inference.pipeline.lesion_window import build_map, cut_window
from inference.pipeline.manifest import WEIGHTS_FOLDER
from inference.pipeline.network_input import prepare_input
from inference.pipeline.network_run import require_channels, source_of
from inference.pipeline.run_notes import write_note
from inference.pipeline.three_planes import weigh_planes
from inference.pipeline.turning import find_turn
from inference.pipeline.warm_models import is_out_of_memory
from studies.imaging.geometry import VolumeGeometry

_MOST_VOXELS_WITH_GRADIENTS = 3_000_000
"""Of a window that is read as a whole: what a network keeps for a gradient is a hundred times its input and more."""
_STRONGEST_PERCENT = 99.5
"""Of voxels with any gradient: single ones shine far beyond the rest."""
_WHOLE_SHARE = 0.995
_LEFT_OVER = 0.1
"""Share of a difference that gradients may leave unexplained without a note."""


@dataclass(frozen=True, slots=True)
class _Case:
    """What is taken apart.

    Attributes
    ----------
    networks
        Whose scores are averaged, on their device.
    score
        What they make of a cube.
    cube
        (channel, slice, row, column).
    plain
        (channel,): plain tissue.
    lesion_voxels
        Of the lesion in the cube.
    passes
        Counts and reports.
    """

    networks: tuple[Network, ...]
    score: LesionScore
    cube: Tensor
    plain: Tensor
    lesion_voxels: int
    classes: int
    passes: _Passes


@dataclass(frozen=True, slots=True)
class _Values:
    """A map (slice, row, column) of the cube, and which value gets the last colour."""

    values: Tensor
    strongest: float
    unit: str


class _Passes:
    """Reports each pass of a network before it begins, so that a wish to cancel is heard in time."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._done = 0
        self.total = 0

    def __call__(self) -> None:
        self._on_progress(Progress(STAGE, min(self._done, self.total), self.total))
        self._done += 1


def explain_network(
    channels: tuple[GreyValues, ...],
    geometry: VolumeGeometry,
    spec: ModelSpec,
    on_progress: OnProgress,
    *,
    method: ExplanationMethod,
    segment_number: int,
    lesion: npt.NDArray[np.bool_],
) -> Explained:
    """Ask a network what gives a lesion its segment.

    Mirrored windows and the blending of neighbouring ones are left out: one window, the lesion in its middle, answers.

    Parameters
    ----------
    channels, lesion
        On the grid of `geometry`.

    Raises
    ------
    studies.errors.DomainError
        Where the network cannot be asked so; its code and message say why.
    """
    network = spec.network
    if network is None:
        raise ValueError(f"{spec.name} is not a network.")
    require_channels(network, len(channels), spec.title)
    classes = network.count_scores(len(spec.segments))
    networks = _load_networks(spec, network, classes)
    on_progress(Progress("preparing", 0, 0))
    weights: tuple[float, ...] = ()
    if network.volumes is not None and geometry.shape[0] >= LEAST_VOLUME_SLICES:
        sides = find_turn(geometry, network.volumes.orientation).turn_values(geometry.sides_mm)
        network, weights = network.place_in_volume(max(sides)), weigh_planes(sides)
    given = prepare_input(channels, geometry, network)
    window = cut_window(given, channels, lesion, network.window, flat_axis=network.flat_axis)
    if window.share < _WHOLE_SHARE:
        write_note(f"The lesion is larger than what the network sees at once: {window.share:.0%} of it is explained.")
    passes, device = _Passes(on_progress), pick_device()
    answer = Answer(network.decision, segment_number, spec.temperature)
    score = _build_score(
        networks, torch.from_numpy(window.lesion).to(device), answer, passes, weights, network.flat_axis
    )
    cube, plain = torch.from_numpy(window.image).to(device), torch.from_numpy(window.plain).to(device)
    case = _Case(networks, score, cube, plain, int(window.lesion.sum()), classes, passes)
    if method is ExplanationMethod.CHANNEL_ABLATION:
        return _explain_by_channels(case, network)
    found_score, found = _MAPPED[method](case, method)
    values = found.values.detach().cpu().numpy()
    return Explained(found_score, build_map(given, window, values, unit=found.unit, strongest=found.strongest))


def _load_networks(spec: ModelSpec, network: NetworkSpec, classes: int) -> tuple[Network, ...]:
    limit_threads()
    folder = spec.folder or WEIGHTS_FOLDER
    return tuple(_load_one(source_of(network, file, classes, folder), classes) for file in network.weights)


def _load_one(source: NetworkSource, classes: int) -> Network:
    if source.module is None:
        if source.onnx is None:
            raise ValueError("This network is neither a torch module nor an ONNX file.")
        forward = OnnxForward(source.onnx, pick_device(), classes=classes)
        return lambda windows: torch.cat([forward(window[None].cpu()).clone() for window in windows]).to(windows.device)
    for part in source.module.modules():
        if hasattr(part, "inplace") and not isinstance(part, torch.jit.ScriptModule):
            part.inplace = False  # type: ignore[assignment]  # would overwrite what a gradient is taken of
    for parameter in source.module.parameters():
        parameter.requires_grad_(False)
    return source.module.to(pick_device())


def _build_score(
    networks: tuple[Network, ...],
    lesion: Tensor,
    answer: Answer,
    passes: _Passes,
    weights: tuple[float, ...],
    flat_axis: int | None,
) -> LesionScore:
    """Return the score of networks that read the cube in three planes, as slices along one axis, or as a whole."""
    readings: list[Reading] = []
    for network in networks:
        if weights:
            readings += [
                Slices(network, lesion, answer, axis=axis, flat_axis=0, weight=weight)
                for axis, weight in enumerate(weights)
            ]
        elif flat_axis is not None:
            readings.append(Slices(network, lesion, answer, axis=flat_axis, flat_axis=flat_axis))
        else:
            readings.append(WholeCube(network, lesion, answer))
    return LesionScore(tuple(readings), len(networks), answer, passes)


def _explain_by_channels(case: _Case, network: NetworkSpec) -> Explained:
    case.passes.total = len(network.channels) + 1
    with torch.no_grad():
        full, effects = ablate_channels(
            case.score, case.cube, case.plain, [channel.name for channel in network.channels]
        )
    return Explained(_require_finite(full), effects=effects)


def _explain_by_covering(case: _Case, _: ExplanationMethod) -> tuple[float, _Values]:
    shape = case.cube.shape[1:]
    patches = choose_patches((shape[0], shape[1], shape[2]), case.lesion_voxels, case.score.voxels)
    case.passes.total = patches.count + 2
    full = _measure(case, case.cube)
    falls = occlude(case.score, case.cube, case.plain, patches)
    return full, _Values(falls, float(falls.abs().max()), "log-odds")


def _explain_by_gradients(case: _Case, _: ExplanationMethod) -> tuple[float, _Values]:
    _require_room(case)
    case.passes.total = GRADIENT_STEPS + 2
    full = _measure(case, case.cube)
    nothing = _measure(case, case.plain.view(-1, 1, 1, 1).expand_as(case.cube).contiguous())
    found = _with_gradients(lambda: integrate_gradients(case.score, case.cube, case.plain))
    left = abs(full - nothing - float(found.sum()))
    if left > _LEFT_OVER * abs(full - nothing):
        write_note(
            f"The steps add up to {float(found.sum()):.1f} of a difference of {full - nothing:.1f}: take the map as a "
            "hint only."
        )
    strength = found.abs()[found != 0]
    strongest = float(np.percentile(strength.cpu().numpy(), _STRONGEST_PERCENT)) if strength.numel() else 1.0
    return full, _Values(found / strongest, 1.0, "share of the strongest")


def _explain_by_layer(case: _Case, method: ExplanationMethod) -> tuple[float, _Values]:
    _require_room(case)
    modules = [network for network in case.networks if isinstance(network, nn.Module)]
    case.passes.total = 1 + sum(reading.batch_count for reading in case.score.readings)
    full = _measure(case, case.cube)
    found = _with_gradients(
        lambda: map_activations(
            modules, case.score, case.cube, method=method, classes=case.classes, on_pass=case.passes
        )
    )
    strongest = float(found.max())
    if strongest <= 0:
        write_note("No feature of this layer speaks for the lesion: the map is empty. Try another method.")
    return full, _Values(found / (strongest or 1.0), 1.0, "share of the strongest")


_MAPPED: dict[ExplanationMethod, Callable[[_Case, ExplanationMethod], tuple[float, _Values]]] = {
    ExplanationMethod.OCCLUSION: _explain_by_covering,
    ExplanationMethod.INTEGRATED_GRADIENTS: _explain_by_gradients,
    ExplanationMethod.GRAD_CAM_DEEPEST: _explain_by_layer,
    ExplanationMethod.GRAD_CAM_DECODER: _explain_by_layer,
}


def _measure(case: _Case, cube: Tensor) -> float:
    with torch.no_grad():
        return _require_finite(float(case.score(cube[None])))


def _require_finite(score: float) -> float:
    if not np.isfinite(score):
        raise NetworkOutputError(NOT_FINITE)
    return score


def _require_room(case: _Case) -> None:
    is_whole = any(isinstance(reading, WholeCube) for reading in case.score.readings)
    if is_whole and case.cube[0].numel() > _MOST_VOXELS_WITH_GRADIENTS:
        raise WindowTooLargeError(
            "This network reads so many voxels at once that their gradients would not fit the memory. Choose occlusion."
        )


def _with_gradients(take: Callable[[], Tensor]) -> Tensor:
    try:
        return take()
    except (RuntimeError, NotImplementedError) as error:
        if is_out_of_memory(error):
            raise
        raise NoGradientsError("This network gives no gradients. Choose occlusion.") from error

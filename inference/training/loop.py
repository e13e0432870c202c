"""The training loop: the same recipe gives the same weights, however often it was interrupted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from inference.pipeline.backends.openvino_backend import has_half_precision
from inference.pipeline.device import limit_threads, pick_device
from inference.pipeline.networks import build_spec_network
from inference.training.outlined import LoadedSet
from inference.training.recipes import Recipe
from inference.training.windows import UNSURE, Images, Truths, open_steps

_AVERAGE_KEEPS = 0.97
_SAVE_EVERY = 20
_WARM_UP_STEPS = 20
_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """What a step reports: its number from 1, of how many, its loss and the overlap it reached."""

    number: int
    total: int
    loss: float
    dice: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished network, and the CPU seconds it took over all parts of the run."""

    network: nn.Module
    cpu_s: float


def train(
    recipe: Recipe, checkpoint: Path, on_step: Callable[[TrainingStep], None], *, loaded: LoadedSet | None = None
) -> Trained:
    """Train a network, going on from `checkpoint` where there is one of the same recipe.

    The weights returned are a running average over the last steps, which is steadier than the last step's own.

    Parameters
    ----------
    recipe
        Data, network and optimisation; decides the result together with torch's version and threads, and the machine's
        precision.
    checkpoint
        File that is replaced every few steps, so that an interrupted run loses little.
    on_step
        Called after each step.
    loaded
        The set it learns from, for recipes that learn from one.
    """
    source = open_steps(recipe, loaded)
    limit_threads()
    device = pick_device()
    torch.manual_seed(recipe.seed)
    classes = len(recipe.spec.segments) + 1
    network = build_spec_network(recipe.network, classes).to(device)
    average = build_spec_network(recipe.network, classes).to(device)
    _lay_out_for_training(network)
    average.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=1e-4)
    done, earlier_s = _resume(checkpoint, recipe, network, average, optimiser)
    began = time.process_time() - earlier_s
    network.train()
    for step in range(done, recipe.steps):
        report = _take_step(recipe, source.draw(step), step, network, optimiser)
        _follow(average, network, keep=min(_AVERAGE_KEEPS, (1 + step) / (10 + step)))
        if (step + 1) % _SAVE_EVERY == 0 or step + 1 == recipe.steps:
            cpu_s = time.process_time() - began
            _save(checkpoint, _Checkpoint(_identify(recipe), step + 1, cpu_s), network, average, optimiser)
        on_step(report)
    return Trained(average.cpu().eval(), time.process_time() - began)


def _take_step(
    recipe: Recipe, windows: tuple[Images, Truths], step: int, network: nn.Module, optimiser: torch.optim.Optimizer
) -> TrainingStep:
    for group in optimiser.param_groups:
        group["lr"] = choose_learning_rate(recipe, step)
    buffers = {name: value.clone() for name, value in network.named_buffers()}
    report = _find_gradient(recipe, windows, step, network, in_half=trains_in_half())
    if report is None:
        # some layers give no number in bf16 where they do in single precision: the step is taken again as if new
        for name, value in network.named_buffers():
            value.copy_(buffers[name])
        report = _find_gradient(recipe, windows, step, network, in_half=False)
    if report is None:
        raise ValueError(f"Step {step + 1} gave no number: lower the learning rate of {recipe.spec.name}.")
    optimiser.step()
    return report


def _find_gradient(
    recipe: Recipe, windows: tuple[Images, Truths], step: int, network: nn.Module, *, in_half: bool
) -> TrainingStep | None:
    """Leave the gradient of a step in the parameters and report on it; None where it is not a number."""
    images, truths = windows
    device = next(network.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=in_half):
        scores = network(torch.from_numpy(images).to(device))
    loss, dice = measure_loss(scores.float(), torch.from_numpy(truths).to(device).long())
    network.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]  # torch ships this one untyped
    size = nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    if not bool(torch.isfinite(loss) & torch.isfinite(size)):
        return None
    return TrainingStep(step + 1, recipe.steps, float(loss.detach()), float(dice))


def trains_in_half() -> bool:
    """Tell whether products are computed in bf16, which halves the time: wherever the machine has it in hardware."""
    return pick_device().type == "cuda" or has_half_precision()


def choose_learning_rate(recipe: Recipe, step: int) -> float:
    """Return the rate of a step, counted from 0: up in a straight line, down along half a cosine."""
    warm_up = min(1.0, (step + 1) / _WARM_UP_STEPS)
    return recipe.learning_rate * warm_up * 0.5 * (1.0 + math.cos(math.pi * step / recipe.steps))


def measure_loss(scores: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return cross-entropy plus one minus soft Dice over the segments of the whole batch, and that Dice.

    Parameters
    ----------
    scores
        (window, class, slice, row, column).
    truth
        Segment numbers, (window, slice, row, column); `windows.UNSURE` where nothing counts.
    """
    entropy = nn.functional.cross_entropy(scores, truth, ignore_index=UNSURE)
    is_sure = (truth != UNSURE)[:, None]
    shares = scores.softmax(dim=1)[:, 1:] * is_sure
    wanted = nn.functional.one_hot(truth * is_sure[:, 0], scores.shape[1]).movedim(-1, 1)[:, 1:].to(shares.dtype)
    axes = (0, 2, 3, 4)
    # the added voxels make an empty batch count as found when nothing is marked
    dice = (2 * (shares * wanted).sum(axes) + 50.0) / (shares.sum(axes) + wanted.sum(axes) + 50.0)
    return entropy + 1.0 - dice.mean(), dice.mean().detach()


def _follow(average: nn.Module, network: nn.Module, *, keep: float) -> None:
    current = network.state_dict()
    with torch.no_grad():
        for name, value in average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(current[name], 1.0 - keep)
            else:
                value.copy_(current[name])


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    recipe: str
    done: int
    cpu_s: float


def _save(
    path: Path, checkpoint: _Checkpoint, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    tensors = {
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    torch.save(asdict(checkpoint) | tensors, unfinished)
    unfinished.replace(path)


def _resume(
    path: Path, recipe: Recipe, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[int, float]:
    """Return how many steps are done and the CPU seconds they took."""
    if not path.is_file():
        return 0, 0.0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["recipe"] != _identify(recipe):
        raise ValueError(f"{path} belongs to another recipe. Move it away to start afresh.")
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    return state["done"], state["cpu_s"]


def _identify(recipe: Recipe) -> str:
    """Name what must not change between two parts of one run."""
    network = recipe.network
    channels = [repr(channel) for channel in network.channels]
    return (
        f"{recipe.spec.name} {recipe.spec.version} seed {recipe.seed} {network.architecture}{dict(network.arguments)} "
        f"window {network.window} rate {recipe.learning_rate} steps {recipe.steps} by {recipe.windows_per_step} "
        f"{channels} {recipe.augmentation} healthy {recipe.healthy_share} unsure {recipe.unsure} "
        f"{pick_device().type} {'bf16' if trains_in_half() else 'f32'}"
    )


def _lay_out_for_training(network: nn.Module) -> None:
    """Keep each voxel's channels together, which makes the backward pass of these networks a third faster on a CPU."""
    for parameter in network.parameters():
        if parameter.dim() in _CHANNELS_LAST:
            parameter.data = parameter.data.contiguous(memory_format=_CHANNELS_LAST[parameter.dim()])

"""What a lesion's score rests on: by covering, by gradients along a way, by the features of a layer, by channel.

References
----------
Occlusion: Zeiler MD, Fergus R. ECCV 2014. doi:10.1007/978-3-319-10590-1_53. Integrated gradients: Sundararajan M et al.
ICML 2017. Grad-CAM: Selvaraju RR et al. ICCV 2017. doi:10.1109/ICCV.2017.74. Computed by captum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from captum.attr import IntegratedGradients, LayerAttribution, LayerGradCam, Occlusion
from torch import Tensor, nn

from inference.pipeline.explanation import ChannelEffect, ExplanationMethod, NoLayersError
from inference.pipeline.lesion_score import Batch, LesionScore

Shape = tuple[int, int, int]

GRADIENT_STEPS = 32
_MOST_PATCHES = 2500
_FEWEST_PATCHES = 64
_VOXELS_READ = 30_000_000
"""What all patches together may have the network read: about two minutes of one CPU with a small network."""
_HOOKED = (
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
    nn.ReLU,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.SiLU,
)
"""Layers whose maps are (window, feature, *axes)."""


@dataclass(frozen=True, slots=True)
class Patches:
    """What covers a cube piece by piece.

    Attributes
    ----------
    size, stride
        Voxels along each axis.
    count
        Places in all.
    """

    size: Shape
    stride: Shape
    count: int


def choose_patches(shape: Shape, lesion_voxels: int, voxels_read: int) -> Patches:
    """Return patches that overlap by half: as fine as the work allows, no finer than a quarter of the lesion's extent.

    Parameters
    ----------
    shape
        Voxels of the cube.
    lesion_voxels
        Of the lesion in it.
    voxels_read
        What the network reads for one pass.
    """
    most = min(_MOST_PATCHES, max(_FEWEST_PATCHES, _VOXELS_READ // voxels_read))
    dimensions = sum(size > 1 for size in shape)
    stride = max(1, round(lesion_voxels ** (1 / max(dimensions, 1)) / 8))
    while True:
        patches = _place_patches(shape, stride)
        if patches.count <= most or stride >= max(shape):
            return patches
        stride += 1


def _place_patches(shape: Shape, stride: int) -> Patches:
    z, y, x = ((min(2 * stride, n), min(stride, n)) for n in shape)
    count = math.prod(math.ceil((n - size) / step) + 1 for n, (size, step) in zip(shape, (z, y, x), strict=True))
    return Patches((z[0], y[0], x[0]), (z[1], y[1], x[1]), count)


def occlude(score: LesionScore, cube: Tensor, plain: Tensor, patches: Patches) -> Tensor:
    """Return by how much the score falls where a patch of plain tissue lies, the mean of all patches over a voxel.

    Parameters
    ----------
    cube
        (channel, slice, row, column).
    plain
        (channel,): what plain tissue is.
    """
    found: Tensor = Occlusion(score).attribute(
        cube[None],
        sliding_window_shapes=(cube.shape[0], *patches.size),
        strides=(cube.shape[0], *patches.stride),
        baselines=_spread(plain, cube)[None],
    )
    return found[0, 0]


def integrate_gradients(score: LesionScore, cube: Tensor, plain: Tensor) -> Tensor:
    """Return what each voxel adds to the score on the way from plain tissue to the image: in all the difference."""
    found: Tensor = IntegratedGradients(score).attribute(
        cube[None], baselines=_spread(plain, cube)[None], n_steps=GRADIENT_STEPS, internal_batch_size=1
    )
    return found[0].sum(0)


def map_activations(
    networks: Sequence[nn.Module],
    score: LesionScore,
    cube: Tensor,
    *,
    method: ExplanationMethod,
    classes: int,
    on_pass: Callable[[], None],
) -> Tensor:
    """Return where the features of a layer speak for the score, 0 and more: the mean over several networks.

    `score.readings` belong to the networks in turn, equally many to each.

    Raises
    ------
    NoLayersError
        Where a network shows no layer.
    """
    total = torch.zeros(cube.shape[1:], device=cube.device)
    for number, reading in enumerate(score.readings):
        network = networks[number * len(networks) // len(score.readings)]
        for batch in reading.batches(cube):
            on_pass()
            layer = pick_layer(network, batch.windows[:1], method, classes=classes)
            batch.place(total, _activate(network, layer, batch))
    return total / len(networks)


def _activate(network: nn.Module, layer: nn.Module, batch: Batch) -> Tensor:
    """Return the layer's map of each window (window, slice, row, column), as fine as the windows."""

    def score(windows: Tensor) -> Tensor:
        return batch.score(network(windows))

    windows = batch.windows.detach().requires_grad_()
    found = LayerGradCam(score, layer).attribute(windows, relu_attributions=True).detach()
    shape = batch.windows.shape[2:]
    if found.ndim == 5:
        finer = LayerAttribution.interpolate(found, tuple(shape), "trilinear")
    else:  # of a network in two dimensions, which knows nothing of the third
        finer = LayerAttribution.interpolate(found, tuple(size for size in shape if size > 1), "bilinear")
    maps: Tensor = finer.reshape(len(windows), *shape)
    return maps


def pick_layer(network: nn.Module, window: Tensor, method: ExplanationMethod, *, classes: int) -> nn.Module:
    """Return the last layer of the coarsest features, or of the finest before the scores.

    Raises
    ------
    NoLayersError
        Where the network shows none.
    """
    seen: list[tuple[int, int, nn.Module]] = []

    def note(module: nn.Module, _: object, output: Tensor) -> None:
        seen.append((math.prod(output.shape[2:]), output.shape[1], module))

    hooks = [module.register_forward_hook(note) for module in network.modules() if isinstance(module, _HOOKED)]
    try:
        with torch.no_grad():
            network(window)
    finally:
        for hook in hooks:
            hook.remove()
    features = [(size, module) for size, width, module in seen if width != classes]
    if not features:
        raise NoLayersError("This network's layers are closed. Choose occlusion or integrated gradients.")
    sizes = [size for size, _ in features]
    wanted = min(sizes) if method is ExplanationMethod.GRAD_CAM_DEEPEST else max(sizes)
    return [module for size, module in features if size == wanted][-1]


def ablate_channels(
    score: LesionScore, cube: Tensor, plain: Tensor, names: Sequence[str]
) -> tuple[float, tuple[ChannelEffect, ...]]:
    """Return the score, and what it and the lesion are with one channel after the other made plain."""
    full, _ = score.measure_kept(cube)
    effects = []
    for number, name in enumerate(names):
        without = cube.clone()
        without[number] = plain[number]
        left, kept = score.measure_kept(without)
        effects.append(ChannelEffect(name, full - left, kept))
    return full, tuple(effects)


def _spread(plain: Tensor, cube: Tensor) -> Tensor:
    return plain.view(-1, 1, 1, 1).expand_as(cube).contiguous()

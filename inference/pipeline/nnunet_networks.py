"""The two networks of nnU-Net, with its parameters' names, for inference: no deep supervision, no dropout."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from inference.pipeline.nnunet_layers import Layers

_CONVOLUTION: dict[int, type[nn.Module]] = {2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: dict[int, type[nn.Module]] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_POOLING: dict[int, type[nn.Module]] = {2: nn.AvgPool2d, 3: nn.AvgPool3d}
_INSTANCE: dict[int, type[nn.Module]] = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
_BATCH: dict[int, type[nn.Module]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}

Sizes = tuple[int, ...]


class _Convolution(nn.Module):
    """A convolution, normalised and activated in the order that the plans say."""

    def __init__(
        self,
        layers: Layers,
        features: tuple[int, int],
        kernel: Sizes,
        stride: Sizes | None = None,
        *,
        is_activated: bool = True,
        has_bias: bool | None = None,
    ) -> None:
        super().__init__()
        self.conv = _CONVOLUTION[layers.dimensions](
            *features,
            kernel,
            stride or (1,) * layers.dimensions,
            padding=tuple((size - 1) // 2 for size in kernel),
            bias=layers.has_bias if has_bias is None else has_bias,
        )
        kind = {"instance": _INSTANCE, "batch": _BATCH, None: None}[layers.norm]
        if kind is not None:
            self.norm = kind[layers.dimensions](features[1], eps=layers.norm_epsilon, affine=layers.is_norm_affine)
        self._has_norm = kind is not None
        self._slope = layers.slope if is_activated else None
        self._is_activation_first = layers.is_activation_first

    def forward(self, image: Tensor) -> Tensor:
        features: Tensor = self.conv(image)
        if self._is_activation_first:
            features = _activate(features, self._slope)
        if self._has_norm:
            features = self.norm(features)
        return features if self._is_activation_first else _activate(features, self._slope)


def _activate(features: Tensor, slope: float | None) -> Tensor:
    return features if slope is None else nn.functional.leaky_relu(features, slope, inplace=True)


class _Convolutions(nn.Module):
    """Convolutions in a row; the first may stride."""

    def __init__(
        self, layers: Layers, features: tuple[int, int], kernel: Sizes, stride: Sizes | None, count: int
    ) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            _Convolution(layers, features, kernel, stride),
            *(_Convolution(layers, (features[1], features[1]), kernel) for _ in range(count - 1)),
        )

    def forward(self, image: Tensor) -> Tensor:
        features: Tensor = self.convs(image)
        return features


class _ResidualBlock(nn.Module):
    """Two convolutions, or three with a narrow one in the middle, beside a shortcut that pools instead of striding.

    References
    ----------
    He T et al. Bag of tricks for image classification with convolutional neural networks (ResNet-D). CVPR 2019.
    """

    def __init__(
        self, layers: Layers, features: tuple[int, int], kernel: Sizes, stride: Sizes, narrow: int | None
    ) -> None:
        super().__init__()
        one = (1,) * layers.dimensions
        if narrow is None:
            self.conv1 = _Convolution(layers, features, kernel, stride)
            self.conv2 = _Convolution(layers, (features[1], features[1]), kernel, is_activated=False)
        else:
            self.conv1 = _Convolution(layers, (features[0], narrow), one)
            self.conv2 = _Convolution(layers, (narrow, narrow), kernel, stride)
            self.conv3 = _Convolution(layers, (narrow, features[1]), one, is_activated=False)
        self._is_narrow = narrow is not None
        shortcut: list[nn.Module] = []
        if any(step != 1 for step in stride):
            shortcut.append(_POOLING[layers.dimensions](stride, stride))
        if features[0] != features[1]:
            shortcut.append(_Convolution(layers, features, one, is_activated=False, has_bias=False))
        self.skip = nn.Sequential(*shortcut)
        self._slope = layers.slope

    def forward(self, image: Tensor) -> Tensor:
        features = self.conv2(self.conv1(image))
        if self._is_narrow:
            features = self.conv3(features)
        return _activate(features + self.skip(image), self._slope)


class _ResidualBlocks(nn.Module):
    def __init__(self, layers: Layers, features: tuple[int, int], level: int) -> None:
        super().__init__()
        narrow = layers.bottleneck_features[level] if layers.bottleneck_features else None
        kernel, one = layers.kernels[level], (1,) * layers.dimensions
        self.blocks = nn.Sequential(
            _ResidualBlock(layers, features, kernel, layers.strides[level], narrow),
            *(
                _ResidualBlock(layers, (features[1], features[1]), kernel, one, narrow)
                for _ in range(layers.blocks[level] - 1)
            ),
        )

    def forward(self, image: Tensor) -> Tensor:
        features: Tensor = self.blocks(image)
        return features


class _Encoder(nn.Module):
    def __init__(self, layers: Layers, channels: int) -> None:
        super().__init__()
        self._has_stem = layers.is_residual
        if layers.is_residual:
            self.stem = _Convolutions(layers, (channels, layers.stem_features), layers.kernels[0], None, 1)
            channels = layers.stem_features
        stages: list[nn.Module] = []
        for level, features in enumerate(layers.features):
            if layers.is_residual:
                stages.append(_ResidualBlocks(layers, (channels, features), level))
            else:
                stages.append(
                    nn.Sequential(
                        _Convolutions(
                            layers, (channels, features), layers.kernels[level], layers.strides[level],
                            layers.blocks[level],
                        )
                    )
                )  # fmt: skip
            channels = features
        self.stages = nn.Sequential(*stages)

    def forward(self, image: Tensor) -> list[Tensor]:
        features = self.stem(image) if self._has_stem else image
        levels = []
        for stage in self.stages:
            features = stage(features)
            levels.append(features)
        return levels


class _Decoder(nn.Module):
    def __init__(self, layers: Layers, heads: int) -> None:
        super().__init__()
        stages, transposed, scores = [], [], []
        for number, count in enumerate(layers.decoder_convolutions):
            level = len(layers.features) - 2 - number
            below, beside = layers.features[level + 1], layers.features[level]
            stride = layers.strides[level + 1]
            transposed.append(_TRANSPOSED[layers.dimensions](below, beside, stride, stride, bias=layers.has_bias))
            stages.append(_Convolutions(layers, (2 * beside, beside), layers.kernels[level], None, count))
            # the coarser heads serve training only; one for each level keeps the last one's number
            is_last = level == 0
            scores.append(_CONVOLUTION[layers.dimensions](beside, heads, 1) if is_last else nn.Identity())
        self.transpconvs = nn.ModuleList(transposed)
        self.stages = nn.ModuleList(stages)
        self.seg_layers = nn.ModuleList(scores)

    def forward(self, levels: list[Tensor]) -> Tensor:
        features = levels.pop()
        for up, merge in zip(self.transpconvs, self.stages, strict=True):
            features = merge(torch.cat((up(features), levels.pop()), dim=1))
        scores: Tensor = self.seg_layers[-1](features)
        return scores


class NnunetNetwork(nn.Module):
    """PlainConvUNet or ResidualEncoderUNet.

    Takes and returns (window, channel or class, slice, row, column); a 2D network sees windows of one slice.

    References
    ----------
    Isensee F et al. nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation.
    Nat Methods 2021. doi:10.1038/s41592-020-01008-z
    """

    def __init__(self, layers: Layers, channels: int, heads: int) -> None:
        super().__init__()
        self.encoder = _Encoder(layers, channels)
        self.decoder = _Decoder(layers, heads)
        self._is_flat = layers.dimensions == 2

    def forward(self, windows: Tensor) -> Tensor:
        """Return scores."""
        if self._is_flat:
            flat: Tensor = self.decoder(self.encoder(windows.squeeze(2)))
            return flat.unsqueeze(2)
        scores: Tensor = self.decoder(self.encoder(windows))
        return scores


def pick_parameters(network: nn.Module, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what a network for inference needs of the tensors that nnU-Net stores, under the same names.

    nnU-Net lists most tensors two or three times under names of their own and keeps the heads of deep supervision.

    Raises
    ------
    ValueError
        Where a tensor is missing, has another shape, or is nothing that such a network has.
    """
    wanted = network.state_dict()
    unknown = [name for name in stored if name not in wanted and not _is_further_name(name)]
    if unknown:
        raise ValueError(f"it holds the tensor {unknown[0][:120]!r}, which this network does not have")
    picked: dict[str, Tensor] = {}
    for name, tensor in wanted.items():
        if name not in stored:
            raise ValueError(f"the tensor {name!r} is missing")
        if stored[name].shape != tensor.shape:
            raise ValueError(f"the tensor {name!r} is {tuple(stored[name].shape)}, not {tuple(tensor.shape)}")
        picked[name] = stored[name]
    return picked


def _is_further_name(name: str) -> bool:
    return ".all_modules." in name or name.startswith(("decoder.encoder.", "decoder.seg_layers."))

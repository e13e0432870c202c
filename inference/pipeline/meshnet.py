"""MeshNet: 3D convolutions that widen their reach by dilation alone and keep the full resolution throughout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor, nn

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "linear": lambda features: features,
        "relu": nn.functional.relu_,
        "elu": nn.functional.elu,
        "gelu": nn.functional.gelu,
    }
)


class MeshNet(nn.Module):
    """Dilated convolutions in a row, each normalised over the volume where `is_normalised` says so, and activated.

    Parameters
    ----------
    filters, kernels, dilations, activations, is_normalised, has_bias
        One entry per convolution.

    References
    ----------
    Fedorov A et al. End-to-end learning of brain tissue segmentation from imperfect labeling. IJCNN 2017.
    doi:10.1109/IJCNN.2017.7966333
    """

    def __init__(
        self,
        channels_in: int,
        scores: int,
        *,
        filters: Sequence[int],
        kernels: Sequence[int],
        dilations: Sequence[int],
        activations: Sequence[str],
        is_normalised: Sequence[bool],
        has_bias: Sequence[bool],
    ) -> None:
        super().__init__()
        if filters[-1] != scores:
            raise ValueError(f"The last convolution gives {filters[-1]} scores, not {scores}.")
        self.convolutions = nn.ModuleList(
            nn.Conv3d(before, after, kernel, padding=dilation * (kernel - 1) // 2, dilation=dilation, bias=bias)
            for before, after, kernel, dilation, bias in zip(
                (channels_in, *filters[:-1]), filters, kernels, dilations, has_bias, strict=True
            )
        )
        self.filters = tuple(filters)
        self.activations = tuple(activations)
        self.is_normalised = tuple(is_normalised)

    def forward(self, image: Tensor) -> Tensor:
        """Return scores (batch, class, slice, row, column)."""
        features = image
        for convolution, name, is_normalised in zip(
            self.convolutions, self.activations, self.is_normalised, strict=True
        ):
            features = convolution(features)
            if is_normalised:
                features = torch.nn.functional.instance_norm(features)
            features = ACTIVATIONS[name](features)
        return features

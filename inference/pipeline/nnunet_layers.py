"""The layers of an nnU-Net, read from its plans, new or old. Knows no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from studies.errors import InvalidInputError

_MOST_STAGES = 12
_MOST_FEATURES = 4096
_MOST_BLOCKS = 64
_LARGEST_KERNEL = 15
_KNOWN_CLASSES = ("PlainConvUNet", "ResidualEncoderUNet")

Sizes = tuple[tuple[int, ...], ...]
NormKind = Literal["instance", "batch"]


class NotSupportedError(InvalidInputError):
    """The model was trained with something that SegWeb does not know."""

    code: ClassVar[str] = "model.not_understood"


@dataclass(frozen=True, slots=True)
class Layers:
    """The shape of a network. All sequences run from the finest level to the coarsest.

    Attributes
    ----------
    dimensions
        2 or 3.
    is_residual
        True for the residual encoder.
    features
        Feature maps per level.
    kernels, strides
        Per level and axis.
    blocks
        Convolutions, or residual blocks, per level of the encoder.
    decoder_convolutions
        Per level of the decoder, coarsest first.
    has_bias
        Whether convolutions add a constant.
    norm, norm_epsilon, is_norm_affine
        Normalisation after each convolution; None for none.
    slope
        Of the activation below zero; 0 is a plain ReLU, None no activation.
    is_activation_first
        True activates before normalising.
    stem_features
        Of a residual encoder's first convolution.
    bottleneck_features
        Per level where a residual block narrows in between, else empty.
    """

    dimensions: int
    is_residual: bool
    features: tuple[int, ...]
    kernels: Sizes
    strides: Sizes
    blocks: tuple[int, ...]
    decoder_convolutions: tuple[int, ...]
    has_bias: bool
    norm: NormKind | None
    norm_epsilon: float
    is_norm_affine: bool
    slope: float | None
    is_activation_first: bool = False
    stem_features: int = 0
    bottleneck_features: tuple[int, ...] = ()


def read_layers(configuration: Mapping[str, Any], dimensions: int) -> Layers:
    """Read the network of one configuration.

    Raises
    ------
    NotSupportedError
        Names the network class, or the layer, that is unknown.
    KeyError, TypeError, ValueError
        Where something is missing or makes no sense.
    """
    if "architecture" in configuration:
        architecture = configuration["architecture"]
        return _read(architecture["network_class_name"], architecture["arch_kwargs"], dimensions)
    return _read(configuration["UNet_class_name"], _translate_old_plans(configuration), dimensions)


def _translate_old_plans(old: Mapping[str, Any]) -> dict[str, Any]:
    """Give plans from before nnU-Net 2.4, which described nothing but what varied then, today's names."""
    stages = len(old["n_conv_per_stage_encoder"])
    base, most = int(old["UNet_base_num_features"]), int(old["unet_max_num_features"])
    return {
        "n_stages": stages,
        "features_per_stage": [min(base * 2**level, most) for level in range(stages)],
        "kernel_sizes": old["conv_kernel_sizes"],
        "strides": old["pool_op_kernel_sizes"],
        "n_conv_per_stage": old["n_conv_per_stage_encoder"],
        "n_blocks_per_stage": old["n_conv_per_stage_encoder"],
        "n_conv_per_stage_decoder": old["n_conv_per_stage_decoder"],
        "conv_bias": True,
        "norm_op": "InstanceNorm",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "nonlin": "LeakyReLU",
    }


def _read(class_name: str, given: Mapping[str, Any], dimensions: int) -> Layers:
    short = str(class_name).rpartition(".")[2]
    if short not in _KNOWN_CLASSES:
        raise NotSupportedError(
            f"The network class {str(class_name)[:120]!r} is not one that SegWeb knows: {' and '.join(_KNOWN_CLASSES)}."
        )
    is_residual = short == "ResidualEncoderUNet"
    stages = _whole(given["n_stages"], _MOST_STAGES)
    features = _per_stage(given["features_per_stage"], stages, _MOST_FEATURES)
    norm_options: Mapping[str, Any] = given.get("norm_op_kwargs") or {}
    norm = _read_norm(given.get("norm_op"))
    bottleneck = given.get("bottleneck_channels")
    return Layers(
        dimensions=dimensions,
        is_residual=is_residual,
        features=features,
        kernels=_per_axis(given["kernel_sizes"], stages, dimensions, _LARGEST_KERNEL),
        strides=_per_axis(given["strides"], stages, dimensions, 8),
        blocks=_per_stage(given["n_blocks_per_stage" if is_residual else "n_conv_per_stage"], stages, _MOST_BLOCKS),
        decoder_convolutions=_per_stage(given["n_conv_per_stage_decoder"], stages - 1, _MOST_BLOCKS),
        has_bias=bool(given.get("conv_bias", False)),
        norm=norm,
        norm_epsilon=float(norm_options.get("eps", 1e-5)),
        is_norm_affine=bool(norm_options.get("affine", norm == "batch")),
        slope=_read_slope(given.get("nonlin"), given.get("nonlin_kwargs") or {}),
        is_activation_first=bool(given.get("nonlin_first", False)),
        stem_features=_whole(given.get("stem_channels") or features[0], _MOST_FEATURES),
        bottleneck_features=() if bottleneck is None else _per_stage(bottleneck, stages, _MOST_FEATURES),
    )


def _read_norm(name: str | None) -> NormKind | None:
    if name is None:
        return None
    short = str(name).rpartition(".")[2]
    if short.startswith("InstanceNorm"):
        return "instance"
    if short.startswith("BatchNorm"):
        return "batch"
    raise NotSupportedError(f"The normalisation layer {str(name)[:120]!r} is not one that SegWeb knows.")


def _read_slope(name: str | None, options: Mapping[str, Any]) -> float | None:
    if name is None:
        return None
    short = str(name).rpartition(".")[2]
    if short == "LeakyReLU":
        return float(options.get("negative_slope", 0.01))
    if short == "ReLU":
        return 0.0
    raise NotSupportedError(f"The activation {str(name)[:120]!r} is not one that SegWeb knows.")


def _per_stage(value: Any, stages: int, most: int) -> tuple[int, ...]:
    values = list(value) if isinstance(value, Sequence) else [value] * stages
    if len(values) != stages:
        raise ValueError(f"{len(values)} values for {stages} levels")
    return tuple(_whole(v, most) for v in values)


def _per_axis(value: Any, stages: int, dimensions: int, most: int) -> Sizes:
    values = list(value) if isinstance(value, Sequence) else [value] * stages
    if len(values) != stages:
        raise ValueError(f"{len(values)} sizes for {stages} levels")
    return tuple(_per_stage(v, dimensions, most) for v in values)


def _whole(value: Any, most: int) -> int:
    number = int(value)
    if number != value or not 1 <= number <= most:
        raise ValueError(f"{value!r} is not a whole number from 1 to {most}")
    return number

"""Why a network marked a lesion: how that can be asked, what comes back, and when it cannot be told. Knows no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from inference.classical.grey_values import GreyValues
from inference.model_spec import Method, ModelSpec, OnProgress
from inference.pipeline.job_maps import FoundMap
from studies.errors import InvalidInputError
from studies.imaging.volume import Volume

STAGE = "explaining"
"""`Progress.stage` while the network is asked again and again."""


class ExplanationMethod(StrEnum):
    """How a network is asked what its answer rests on."""

    OCCLUSION = "occlusion"
    """A patch is covered with plain tissue: how far does the answer fall?"""
    INTEGRATED_GRADIENTS = "integrated_gradients"
    """The image grows out of plain tissue in steps: what does each voxel add to the answer?"""
    GRAD_CAM_DEEPEST = "grad_cam_deepest"
    """Where the features of the coarsest layer speak for the answer."""
    GRAD_CAM_DECODER = "grad_cam_decoder"
    """The same for the last layer before the scores: sharp, and close to the mask itself."""
    CHANNEL_ABLATION = "channel_ablation"
    """One image of several is replaced by plain tissue: how far does the answer fall?"""


_WITH_GRADIENTS = frozenset(
    {
        ExplanationMethod.INTEGRATED_GRADIENTS,
        ExplanationMethod.GRAD_CAM_DEEPEST,
        ExplanationMethod.GRAD_CAM_DECODER,
    }
)
_WITH_LAYERS = frozenset({ExplanationMethod.GRAD_CAM_DEEPEST, ExplanationMethod.GRAD_CAM_DECODER})


@dataclass(frozen=True, slots=True)
class ChannelEffect:
    """What an answer is without one of its channels.

    Attributes
    ----------
    channel
        Its name.
    score_fall
        By how much the mean log-odds of the lesion's voxels fall.
    kept_share
        Share of the lesion's voxels that the network would still mark.
    """

    channel: str
    score_fall: float
    kept_share: float

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> ChannelEffect:
        """Return what `dataclasses.asdict` wrote."""
        return ChannelEffect(str(value["channel"]), float(value["score_fall"]), float(value["kept_share"]))


@dataclass(frozen=True, slots=True)
class Explained:
    """What came out.

    Attributes
    ----------
    score
        Mean log-odds of the lesion's voxels, each for its segment, as the network gives them: 0 is undecided.
    found
        What that rests on, voxel by voxel; None for numbers alone.
    effects
        Of channel ablation, one for each channel in the network's order.
    """

    score: float
    found: FoundMap | None = None
    effects: tuple[ChannelEffect, ...] = ()


class NoNetworkError(InvalidInputError):
    """What is asked about was not marked by a network."""

    code: ClassVar[str] = "explanation.no_network"


class NoNnunetError(InvalidInputError):
    """An nnU-Net folder: cascades and folds with grids of their own."""

    code: ClassVar[str] = "explanation.nnunet"


class NoGradientsError(InvalidInputError):
    """The network runs forward only."""

    code: ClassVar[str] = "explanation.no_gradients"


class NoLayersError(InvalidInputError):
    """The network's layers cannot be looked into."""

    code: ClassVar[str] = "explanation.no_layers"


class OneChannelError(InvalidInputError):
    """There is no channel to leave out."""

    code: ClassVar[str] = "explanation.one_channel"


class WindowTooLargeError(InvalidInputError):
    """Gradients of one window would not fit the memory."""

    code: ClassVar[str] = "explanation.window_too_large"


class LesionLostError(InvalidInputError):
    """What is asked about has no voxel where the network looks."""

    code: ClassVar[str] = "explanation.lesion_lost"


def require_explainable(spec: ModelSpec, method: ExplanationMethod) -> None:
    """Refuse what a model cannot be asked, as far as its description tells.

    Raises
    ------
    NoNetworkError, NoNnunetError, NoGradientsError, NoLayersError, OneChannelError
        Each says what to do instead.
    """
    network = spec.network
    if spec.method is not Method.NETWORK or network is None:
        raise NoNetworkError(
            f"{spec.title} is not a network: it follows a rule, which stands on its card, and that is the whole reason."
        )
    if network.architecture == "nnunet":
        raise NoNnunetError(
            f"{spec.title} is an nnU-Net folder, whose stages and folds cannot be asked yet. Compare it with "
            "another model."
        )
    if network.architecture == "onnx" and method in _WITH_GRADIENTS:
        raise NoGradientsError(f"{spec.title} is an ONNX file, which gives no gradients. Choose occlusion.")
    if network.architecture == "torchscript" and method in _WITH_LAYERS:
        raise NoLayersError(
            f"{spec.title} is a TorchScript file, whose layers are closed. Choose occlusion or integrated gradients."
        )
    if method is ExplanationMethod.CHANNEL_ABLATION and len(network.channels) < 2:
        raise OneChannelError(f"{spec.title} reads one image only: there is none to leave out. Choose occlusion.")


class Explain(Protocol):
    """The seam to the machines: `inference.pipeline.explain.explain`, or a small real one in a test."""

    def __call__(
        self,
        volume: Volume,
        spec: ModelSpec,
        on_progress: OnProgress,
        *,
        method: ExplanationMethod,
        segment_number: int,
        lesion: npt.NDArray[np.bool_],
        channels: Sequence[GreyValues] = (),
    ) -> Explained: ...


def explain_nothing(*_: object, **__: object) -> Explained:
    """Stand for `explain` in a process that only segments."""
    raise RuntimeError("This worker was started to segment, not to explain.")

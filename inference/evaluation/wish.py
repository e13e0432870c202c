"""What a person asks of an evaluation, and what could only fail. Imports neither torch nor Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from inference.evaluation.baselines import BASELINES
from inference.model_spec import ModelSpec
from studies.errors import InvalidInputError

SegmentMap = Mapping[int, tuple[int, ...]]
"""Numbers in the outlines that count as each of the model's segments."""
NO_BASELINE = "none"
DEFAULT_BASELINE = "region"


class UnknownBaselineError(InvalidInputError):
    """There is no simple method of that name."""

    code: ClassVar[str] = "evaluation.unknown_baseline"


class NotEvaluableError(InvalidInputError):
    """The model cannot be run over files without a person."""

    code: ClassVar[str] = "evaluation.model_unsuitable"


@dataclass(frozen=True, slots=True)
class EvaluationWish:
    """What a person decides before the run.

    Attributes
    ----------
    modality
        Of images whose format does not say it; empty: the model's own where it has one.
    segments
        Outlined numbers that count as each of the model's segments; None: equal numbers.
    least_dice
        What the lower bound of the mean Dice must reach for the model to be accepted; None asks for no verdict.
    """

    baseline: str = DEFAULT_BASELINE
    modality: str = ""
    segments: SegmentMap | None = None
    least_dice: float | None = None


def check_wish(spec: ModelSpec, wish: EvaluationWish) -> None:
    """Refuse what could only fail.

    Raises
    ------
    UnknownBaselineError, NotEvaluableError
    """
    if wish.baseline != NO_BASELINE and wish.baseline not in BASELINES:
        known = ", ".join(sorted(BASELINES))
        raise UnknownBaselineError(f"There is no baseline {wish.baseline!r}. Choose one of: {known}, {NO_BASELINE}.")
    if any(parameter.default is None for parameter in spec.parameters):
        raise NotEvaluableError(
            f"{spec.title} needs a person's click or value in every case, so it cannot run over many."
        )
    if spec.network is not None and len(spec.network.channels) > 1 and not spec.reads_colours:
        raise NotEvaluableError(
            f"{spec.title} reads {len(spec.network.channels)} images of each patient; cases here hold one each."
        )


def choose_modality(spec: ModelSpec, wish: EvaluationWish) -> str:
    """Return the modality of images whose format does not say it."""
    own = next(iter(spec.modalities)) if len(spec.modalities) == 1 else "OT"
    return wish.modality.upper() or own

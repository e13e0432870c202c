"""The quality gate: judges a finished run by what its network said of itself and by the image it was given.

Two scores. The Dice to expect of each segment, from the run's own probabilities; and how far the image lies from those
that the network learnt from, by its statistics and by the network's features of it. A run that falls short in any is
kept and marked: a person must look. Knows no torch.

References
----------
Mahalanobis distances for images unlike those learnt from: Gonzalez C et al. Med Image Anal 2022;82:102596.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from inference.calibration import LEAST_SHARE
from inference.gate_reference import DiceReference, GateReference, ImageReference
from inference.model_spec import ModelSpec
from inference.pipeline.image_statistics import Aspect, ImageStatistics, aspect_of
from inference.pipeline.job_maps import HISTOGRAM_BINS
from studies.label_maps.label_map import LabelMap

Rows = npt.NDArray[np.float64]

_FARTHEST = 99.0
"""Distances beyond are told as this: a number with ten digits says no more."""
_LOWEST_BIN = 0.01
"""Mean probability of the voxels in the lowest bin, most of which are as good as impossible."""


class GateOutcome(StrEnum):
    """What the gate says of a run."""

    PASSED = "passed"
    NEEDS_EYES = "needs_eyes"
    NOT_JUDGED = "not_judged"


class GateCode(StrEnum):
    """Why."""

    CONSTANT_IMAGE = "gate.constant_image"
    UNLIKE_TRAINING = "gate.unlike_training"
    LOW_PREDICTED_DICE = "gate.low_predicted_dice"
    NOTHING_MARKED = "gate.nothing_marked"
    NO_REFERENCE = "gate.no_reference"
    OTHER_WEIGHTS = "gate.other_weights"
    OTHER_READING = "gate.other_reading"
    FUSED_SLICES = "gate.fused_slices"
    NO_PROBABILITIES = "gate.no_probabilities"


@dataclass(frozen=True, slots=True)
class GateReason:
    """One reason.

    Attributes
    ----------
    words
        The reason in a sentence.
    segment_number
        Which segment it is about; None for the whole run.
    aspect
        `image_statistics.Aspect` that is the most unusual; empty for other reasons.
    value, limit
        The score and what it had to reach or keep below; None where there is none.
    """

    code: GateCode
    words: str
    segment_number: int | None = None
    aspect: str = ""
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What the gate says of a run.

    Attributes
    ----------
    predicted_dice
        By segment number as text, of the segments that are marked.
    distance, most
        How far the image's statistics lie from those learnt from, and how far they may; None where nobody could tell.
    """

    outcome: GateOutcome
    reasons: tuple[GateReason, ...] = ()
    predicted_dice: dict[str, float] = field(default_factory=dict)
    distance: float | None = None
    most: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Return what `as_json` wrote."""
        reasons = tuple(GateReason(**each | {"code": GateCode(each["code"])}) for each in content["reasons"])
        return cls(**dict(content) | {"outcome": GateOutcome(content["outcome"]), "reasons": reasons})


def count_marked(label_map: LabelMap) -> npt.NDArray[np.intp]:
    """Return how many voxels have each label, by label."""
    return np.bincount(label_map.voxels.reshape(-1), minlength=1)


def judge_run(
    spec: ModelSpec,
    *,
    marked: npt.NDArray[np.intp],
    statistics: Sequence[ImageStatistics],
    histograms: Mapping[int, Sequence[int]] | None,
) -> GateVerdict:
    """Judge a run.

    Parameters
    ----------
    marked
        How many voxels have each label, by label.
    statistics
        What the run delivered of its image.
    histograms
        `inference.pipeline.job_maps.FoundMap.histograms` of the run's uncertainty; None where it delivered none.
    """
    unable = _find_obstacle(spec, statistics, histograms)
    if unable is not None or spec.gate is None or histograms is None:
        return GateVerdict(GateOutcome.NOT_JUDGED, (unable,) if unable else ())
    image = statistics[0]
    if image.is_constant:
        words = "The image has the same value everywhere: there is nothing to see on it."
        return GateVerdict(GateOutcome.NEEDS_EYES, (GateReason(GateCode.CONSTANT_IMAGE, words),))
    predicted = {} if image.is_fused else predict_dice(spec.gate, histograms, marked)
    reasons = _judge_image(spec.gate, image)
    reasons += [_FUSED] if image.is_fused else _judge_segments(spec, predicted)
    outcome = GateOutcome.NEEDS_EYES if reasons else GateOutcome.PASSED
    told = {str(number): round(dice, 4) for number, dice in predicted.items()}
    distance = measure_distance(spec.gate.image, image.rows)
    return GateVerdict(outcome, tuple(reasons), told, round(distance, 3), round(spec.gate.image.most, 3))


_FUSED = GateReason(
    GateCode.FUSED_SLICES,
    "How good the marks are cannot be told: what the model knows of its errors it knows from single slices, and it "
    "read this volume in three planes.",
)
"""Probabilities of fused slices were never held against outlines."""


def predict_dice(
    gate: GateReference, histograms: Mapping[int, Sequence[int]], marked: npt.NDArray[np.intp]
) -> dict[int, float]:
    """Return the Dice to expect of each segment that is marked.

    Parameters
    ----------
    histograms
        As `FoundMap.histograms`.
    marked
        How many voxels have each label, by label.
    """
    counts = {each: int(marked[each.segment_number]) if each.segment_number < len(marked) else 0 for each in gate.dice}
    return {
        each.segment_number: each.predict(imply_dice(histograms[each.segment_number], count))
        for each, count in counts.items()
        if count and each.segment_number in histograms
    }


def imply_dice(histogram: Sequence[int], marked: int) -> float:
    """Return the Dice to expect of the voxels that are marked if each belongs to the segment with its probability.

    With the probabilities p, 2 E|A and B| / (|A| + E|B|) = 2 (sum of p over A) / (|A| + sum of p), where A is what is
    marked and B what is there. Of the most probable voxels the first |A| are taken for the marked ones; of the others
    those count that `inference.calibration.LEAST_SHARE` lets count.

    Parameters
    ----------
    histogram
        How many voxels belong to the segment with which probability, in equal bins from 0 to 1.
    marked
        |A|, voxels.
    """
    counts = np.asarray(histogram, np.float64)
    shares = (np.arange(HISTOGRAM_BINS) + 0.5) / HISTOGRAM_BINS
    shares[0] = _LOWEST_BIN
    above = np.concatenate([np.cumsum(counts[::-1])[::-1][1:], [0.0]])
    taken = np.clip(marked - above, 0.0, counts)
    there = np.where(shares >= LEAST_SHARE, counts, taken)
    return float(2.0 * (taken * shares).sum() / max(marked + (there * shares).sum(), 1e-9))


def measure_distances(reference: ImageReference, rows: Rows) -> Rows:
    """Return how far samples (sample, statistic) lie from a reference: root mean square per statistic."""
    distances: Rows = np.sqrt(np.maximum(_share_distances(reference, rows).sum(axis=1), 0.0) / len(reference.names))
    return distances


def _share_distances(reference: ImageReference, rows: Rows) -> Rows:
    """Return each statistic's share of the squared distance of samples (sample, statistic)."""
    size = len(reference.names)
    factor = np.zeros((size, size))
    factor[np.tril_indices(size)] = np.concatenate([np.asarray(row) for row in reference.factor])
    scaled = (rows - np.asarray(reference.centre)) / np.asarray(reference.scale)
    shares: Rows = scaled * ((scaled @ factor) @ factor.T)
    return shares


def measure_distance(reference: ImageReference, rows: Rows) -> float:
    """Return how far an image (sample, statistic) lies from those learnt from; of slices the middle one."""
    distances = np.sort(measure_distances(reference, rows))
    return min(float(distances[len(distances) // 2]), _FARTHEST)


def find_aspect(reference: ImageReference, rows: Rows) -> Aspect:
    """Return in which respect the middle one of samples (sample, statistic) is the most unusual."""
    shares = _share_distances(reference, rows)
    middle = int(np.argsort(shares.sum(axis=1))[len(shares) // 2])
    by_aspect = dict.fromkeys(Aspect, 0.0)
    for name, share in zip(reference.names, shares[middle], strict=True):
        by_aspect[aspect_of(name)] += float(share)
    return max(by_aspect, key=by_aspect.__getitem__)


_ASPECT_WORDS: Mapping[Aspect, str] = {
    Aspect.GREY_VALUES: "its grey values",
    Aspect.BACKGROUND: "how much of it is background or overexposed",
    Aspect.SHARPNESS: "its sharpness",
    Aspect.NOISE: "its noise",
    Aspect.LAYOUT: "where it is bright and dark",
    Aspect.FIELD_OF_VIEW: "its field of view",
    Aspect.FEATURES: "what the network makes of it",
}


def _judge_image(gate: GateReference, image: ImageStatistics) -> list[GateReason]:
    """Return whether the image is unlike others: by its statistics, else by what the network makes of it."""
    held = [(gate.image, image.rows)]
    if gate.features is not None:
        held.append((gate.features, image.features))
    for reference, rows in held:
        distance = measure_distance(reference, rows)
        if distance > reference.most:
            aspect = find_aspect(reference, rows)
            words = f"The image is unlike those the model learnt from, most of all in {_ASPECT_WORDS[aspect]}."
            value, limit = round(distance, 3), round(reference.most, 3)
            return [GateReason(GateCode.UNLIKE_TRAINING, words, aspect=str(aspect), value=value, limit=limit)]
    return []


def _judge_segments(spec: ModelSpec, predicted: Mapping[int, float]) -> list[GateReason]:
    labels = {segment.segment_number: segment.segment_label for segment in spec.segments}
    references = () if spec.gate is None else spec.gate.dice
    found = (_judge_segment(each, predicted.get(each.segment_number), labels) for each in references)
    return [reason for reason in found if reason is not None]


def _judge_segment(reference: DiceReference, dice: float | None, labels: Mapping[int, str]) -> GateReason | None:
    number = reference.segment_number
    label = labels.get(number, f"Segment {number}")
    if dice is None:
        if not reference.is_always_there:
            return None
        words = f"{label}: nothing was marked, and every case the model learnt from shows it."
        return GateReason(GateCode.NOTHING_MARKED, words, segment_number=number)
    if dice >= reference.least:
        return None
    words = f"{label}: a Dice of {dice:.2f} is to be expected, and {reference.least:.2f} is asked for."
    return GateReason(
        GateCode.LOW_PREDICTED_DICE,
        words,
        segment_number=number,
        value=round(dice, 3),
        limit=round(reference.least, 3),
    )


def _find_obstacle(
    spec: ModelSpec, statistics: Sequence[ImageStatistics], histograms: Mapping[int, Sequence[int]] | None
) -> GateReason | None:
    """Return why a run cannot be judged, None where it can."""
    gate = spec.gate
    if gate is None or spec.network is None:
        return GateReason(
            GateCode.NO_REFERENCE, "No quality gate was fitted for this model: look at its result as at any other."
        )
    if (tuple(file.sha256 for file in spec.network.weights), spec.temperature) != (gate.weights, gate.temperature):
        return GateReason(
            GateCode.OTHER_WEIGHTS,
            "The quality gate was fitted to other weights or another calibration of this model. Run manage.py fit_gate "
            "again.",
        )
    if len(statistics) != 1 or not _is_read_alike(gate, statistics[0]):
        return GateReason(
            GateCode.OTHER_READING,
            "The model read this image otherwise than those its quality gate was fitted on, as a volume in place of "
            "slices.",
        )
    if histograms is None:
        return GateReason(GateCode.NO_PROBABILITIES, "The run gave no probabilities that its quality could be told by.")
    return None


def _is_read_alike(gate: GateReference, image: ImageStatistics) -> bool:
    if image.is_constant:
        return True
    features = 0 if gate.features is None else len(gate.features.names)
    return image.names == gate.image.names and (not features or image.features.shape[1] == features)

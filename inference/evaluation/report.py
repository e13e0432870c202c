"""An evaluation as figures over all cases and over groups of them, as plain values, and as pictures of the worst."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from inference.evaluation.cases import LeftOut
from inference.evaluation.facts import FACTS
from inference.evaluation.metrics import DEFINITIONS, Interval, summarise
from inference.evaluation.run import CaseScore, Evaluated
from inference.model_spec import ModelSpec

MEASURES = ("dice", "surface_dice", "hd95", "volume_error", "lesion_f1")
WORST = 3
FEW_CASES = 5
"""Below this many an interval says little."""
_SIDE = 320
_COLOURS = ((0, 158, 115), (230, 159, 0))
"""Of the outline and of what was marked: told apart with any colour vision."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One segment over all cases, or over those of one group."""

    segment_label: str
    group: str
    cases: int
    model: dict[str, Interval | None]
    baseline: dict[str, Interval | None]
    below_half: int
    """Cases with a Dice below 0.5."""
    marked_where_nothing_is: int
    """Cases without the structure in which something was marked."""
    lesions: int
    lesions_found: int
    """Of those outlined, in all cases together."""
    lesions_false: int
    """Marked parts that are none, in all cases together."""


def summarise_scores(scores: Sequence[CaseScore], *, by: str = "") -> list[Summary]:
    """Return a summary for each segment, and for each value of one of `FACTS` where asked; cases of which it is
    not told are the group ""."""
    keys = sorted({(score.segment_number, score.segment_label, score.facts.get(by, "")) for score in scores})
    return [
        _summarise([s for s in scores if (s.segment_number, s.facts.get(by, "")) == (number, group)], label, group)
        for number, label, group in keys
    ]


def _summarise(scores: Sequence[CaseScore], label: str, group: str) -> Summary:
    simple = [score.baseline for score in scores if score.baseline is not None]
    dice = [score.agreement.dice for score in scores]
    return Summary(
        segment_label=label,
        group=group,
        cases=len(scores),
        model={name: summarise([getattr(score.agreement, name) for score in scores]) for name in MEASURES},
        baseline={name: summarise([getattr(each, name) for each in simple]) for name in MEASURES} if simple else {},
        below_half=sum(value is not None and value < 0.5 for value in dice),
        marked_where_nothing_is=sum(s.agreement.dice is None and s.agreement.found_ml > 0 for s in scores),
        lesions=sum(score.agreement.lesions for score in scores),
        lesions_found=sum(score.agreement.lesions_found for score in scores),
        lesions_false=sum(score.agreement.lesions_false for score in scores),
    )


def find_worst(evaluated: Sequence[Evaluated]) -> list[Evaluated]:
    """Return the cases with the lowest Dice, the worst first; those where nothing is outlined do not count."""

    def lowest(each: Evaluated) -> float:
        known = [score.agreement.dice for score in each.scores if score.agreement.dice is not None]
        return min(known, default=2.0)

    return [each for each in sorted(evaluated, key=lowest) if lowest(each) <= 1.0][:WORST]


def build_json(
    spec: ModelSpec, scores: Sequence[CaseScore], left_out: Sequence[LeftOut], *, baseline: str
) -> dict[str, Any]:
    """Return everything as plain values."""
    return {
        "model": {"name": spec.name, "version": spec.version, "title": spec.title},
        "baseline": baseline,
        "definitions": DEFINITIONS,
        "summaries": [asdict(summary) for summary in summarise_scores(scores)],
        "by": {
            fact: [asdict(summary) for summary in summarise_scores(scores, by=fact)]
            for fact in FACTS
            if any(fact in score.facts for score in scores)
        },
        "cases": [asdict(score) | {"facts": dict(score.facts)} for score in scores],
        "left_out": [asdict(each) for each in left_out],
    }


def draw_case(evaluated: Evaluated) -> bytes:
    """Return a PNG of the slice where model and outline differ most: outline green, what was marked orange."""
    case, found = evaluated.case, evaluated.found
    differing = [int((a != b).sum()) for a, b in zip(case.truth > 0, found > 0, strict=True)]
    index = int(np.argmax(differing)) if any(differing) else len(differing) // 2
    planes = case.colours or (case.image.voxels,) * 3
    picture = np.stack([_as_bytes(np.asarray(plane[index], np.float32)) for plane in planes], axis=-1)
    for labels, colour in zip((case.truth[index], found[index]), _COLOURS, strict=True):
        picture[_find_edges(labels)] = colour
    return _encode(picture)


def _as_bytes(plane: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    low, high = np.percentile(plane, (1.0, 99.5))
    return np.asarray(np.clip((plane - low) / max(float(high - low), 1e-6), 0.0, 1.0) * 255.0, np.uint8)


def _find_edges(labels: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    edges = np.zeros(labels.shape, bool)
    for number in np.unique(labels):
        if number:
            inside = labels == number
            edges |= inside & ~ndimage.binary_erosion(inside)
    return edges


def _encode(picture: npt.NDArray[np.uint8]) -> bytes:
    image = Image.fromarray(picture)
    image.thumbnail((_SIDE, _SIDE))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()

"""An evaluation as JSON and as one HTML page that needs nothing else: figures, every case, pictures of the worst."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from inference.evaluation.cases import LeftOut
from inference.evaluation.metrics import DEFINITIONS, Interval, summarise
from inference.evaluation.run import CaseScore, Evaluated
from inference.model_spec import ModelSpec

MEASURES = ("dice", "surface_dice", "hd95", "volume_error", "lesion_f1")
WORST = 3
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
    """Return a summary for each segment, and for each value of a fact ("scanner", "site", "sequence") where asked."""
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
            for fact in ("scanner", "site", "sequence")
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


def build_html(
    spec: ModelSpec,
    scores: Sequence[CaseScore],
    worst: Sequence[Evaluated],
    left_out: Sequence[LeftOut],
    *,
    baseline: str,
) -> str:
    """Return one page: no script, no file beside it."""
    title = f"{html.escape(spec.title)} {html.escape(spec.version)}: evaluation"
    parts = [f"<h1>{title}</h1>", "<p><strong>For research use only, not for diagnosis.</strong></p>"]
    parts += [_tell_summary(summary, baseline) for summary in summarise_scores(scores)]
    parts += ["<h2>The worst cases</h2>", '<div class="worst">', *(_tell_worst(each) for each in worst), "</div>"]
    parts += ["<h2>Every case</h2>", _tell_cases(scores, baseline)]
    if left_out:
        items = "".join(f"<li>{html.escape(each.name)}: {html.escape(each.reason)}</li>" for each in left_out)
        parts += ["<h2>Left out</h2>", f"<ul>{items}</ul>"]
    definitions = "".join(f"<dt>{_WORDS[name]}</dt><dd>{html.escape(text)}</dd>" for name, text in DEFINITIONS.items())
    parts += ["<h2>What the figures mean</h2>", f"<dl>{definitions}</dl>"]
    return _PAGE.format(title=title, style=_STYLE, body="\n".join(parts))


_WORDS = {
    "dice": "Dice",
    "surface_dice": "Surface Dice",
    "hd95": "HD95",
    "volume_error": "Volume error",
    "lesion_f1": "Lesion-wise F1",
}
_STYLE = (
    "body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{padding:.25rem .6rem;border-bottom:1px solid #ccc;text-align:right}"
    "th:first-child,td:first-child{text-align:left}.worst{display:flex;gap:1rem;flex-wrap:wrap}figure{margin:0}"
    "figcaption{max-width:20rem}.o{color:#007a58}.m{color:#a86f00}"
)
_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head>'
    "<body>{body}</body></html>"
)


def _tell_summary(summary: Summary, baseline: str) -> str:
    heading = f"<h2>{html.escape(summary.segment_label)}</h2>"
    head = "<tr><th></th>" + "".join(f"<th>{_WORDS[name]}</th>" for name in MEASURES) + "</tr>"
    rows = f"<tr><td>model</td>{''.join(f'<td>{_tell(summary.model[name])}</td>' for name in MEASURES)}</tr>"
    if summary.baseline:
        cells = "".join(f"<td>{_tell(summary.baseline[name])}</td>" for name in MEASURES)
        rows += f"<tr><td>{html.escape(baseline)}</td>{cells}</tr>"
    words = (
        f"<p>{summary.cases} cases; {summary.below_half} with a Dice below 0.5; something marked in "
        f"{summary.marked_where_nothing_is} where nothing is outlined. Mean (95 % interval), median.</p>"
    )
    return f"{heading}{words}<table>{head}{rows}</table>"


def _tell(interval: Interval | None) -> str:
    if interval is None:
        return "none"
    return f"{interval.mean:.3f} ({interval.low:.3f} to {interval.high:.3f}), {interval.median:.3f}"


def _tell_worst(evaluated: Evaluated) -> str:
    picture = base64.b64encode(draw_case(evaluated)).decode()
    scores = "; ".join(f"{html.escape(s.segment_label)} Dice {_say(s.agreement.dice)}" for s in evaluated.scores)
    name = html.escape(evaluated.case.name)
    return (
        f'<figure><img alt="{name}" src="data:image/png;base64,{picture}"><figcaption>{name}: {scores} '
        '(<span class="o">outlined</span>, <span class="m">marked</span>)</figcaption></figure>'
    )


def _tell_cases(scores: Sequence[CaseScore], baseline: str) -> str:
    head = "".join(f"<th>{_WORDS[name]}</th>" for name in MEASURES)
    rows = "".join(
        f"<tr><td>{html.escape(score.case)}</td><td>{html.escape(score.segment_label)}</td>"
        + "".join(f"<td>{_say(getattr(score.agreement, name))}</td>" for name in MEASURES)
        + f"<td>{_say(score.baseline.dice) if score.baseline else ''}</td><td>{score.seconds:.1f}</td></tr>"
        for score in scores
    )
    return (
        f"<table><tr><th>Case</th><th>Segment</th>{head}<th>Dice of {html.escape(baseline or 'nothing beside')}</th>"
        f"<th>s</th></tr>{rows}</table>"
    )


def _say(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"

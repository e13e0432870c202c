"""An evaluation as one HTML page that needs nothing else: no script, no file beside it."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any

from inference.evaluation.facts import FACTS
from inference.evaluation.metrics import DEFINITIONS
from inference.evaluation.report import MEASURES

Content = Mapping[str, Any]

_WORDS = {
    "dice": "Dice",
    "surface_dice": "Surface Dice",
    "hd95": "HD95",
    "volume_error": "Volume error",
    "lesion_f1": "Lesion-wise F1",
}
_FACT_WORDS = {"scanner": "By scanner", "site": "By site", "sequence": "By sequence or kernel"}
_STYLE = (
    "body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{padding:.25rem .6rem;border-bottom:1px solid #ccc;text-align:right}"
    "th:first-child,td:first-child{text-align:left}.worst{display:flex;gap:1rem;flex-wrap:wrap}figure{margin:0}"
    "figcaption{max-width:20rem}.o{color:#007a58}.m{color:#a86f00}.verdict{font-weight:600}"
)
_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head>'
    "<body>{body}</body></html>"
)


def build_html(content: Content, pictures: Sequence[bytes]) -> str:
    """Return the page.

    Parameters
    ----------
    content
        As `inference.evaluation.record.describe_evaluation` returns it.
    pictures
        PNG of the worst cases, in the order of `content["worst"]`.
    """
    model, baseline = content["model"], content["baseline"]
    title = f"{_escape(model['title'])} {_escape(model['version'])}: evaluation"
    parts = [f"<h1>{title}</h1>", "<p><strong>For research use only, not for diagnosis.</strong></p>"]
    parts += [_tell_record(content), _tell_judgement(content["judgement"])]
    parts += [_tell_summary(summary, baseline) for summary in content["summaries"]]
    parts += [_tell_makers(content), *(_tell_groups(content, fact) for fact in FACTS)]
    parts += ["<h2>The worst cases</h2>", '<div class="worst">']
    parts += [_tell_worst(each, picture) for each, picture in zip(content["worst"], pictures, strict=True)]
    parts += ["</div>", "<h2>Every case</h2>", _tell_cases(content["cases"], baseline)]
    parts += [_list("Remarks", [each["text"] for each in content["remarks"]])]
    parts += [_list("Left out", [f"{each['name']}: {each['reason']}" for each in content["left_out"]])]
    definitions = "".join(f"<dt>{_WORDS[name]}</dt><dd>{_escape(text)}</dd>" for name, text in DEFINITIONS.items())
    parts += ["<h2>What the figures mean</h2>", f"<dl>{definitions}</dl>"]
    return _PAGE.format(title=title, style=_STYLE, body="\n".join(part for part in parts if part))


def _escape(value: object) -> str:
    return html.escape(str(value))


def _list(heading: str, texts: Sequence[str]) -> str:
    items = "".join(f"<li>{_escape(text)}</li>" for text in texts)
    return f"<h2>{heading}</h2><ul>{items}</ul>" if items else ""


def _tell_record(content: Content) -> str:
    digest = content["model"]["weights_sha256"]
    facts = {
        "Model": f"{content['model']['name']} {content['model']['version']}",
        "Weights (SHA-256)": digest or "none: a fixed rule",
        "Software": f"SegWeb {content['software_version']}",
    } | {name.replace("_", " ").capitalize(): value for name, value in content["record"].items() if value}
    rows = "".join(f"<tr><th>{_escape(name)}</th><td>{_escape(value)}</td></tr>" for name, value in facts.items())
    return f"<table>{rows}</table>"


def _tell_judgement(judgement: Content | None) -> str:
    if judgement is None:
        return ""
    items = "".join(f"<li>{_escape(s['segment_label'])}: {_escape(s['words'])}</li>" for s in judgement["segments"])
    return f'<p class="verdict">{_escape(judgement["words"])}</p><ul>{items}</ul>'


def _tell_summary(summary: Content, baseline: str) -> str:
    heading = f"<h2>{_escape(summary['segment_label'])}</h2>"
    head = "<tr><th></th>" + "".join(f"<th>{_WORDS[name]}</th>" for name in MEASURES) + "</tr>"
    rows = f"<tr><td>model</td>{_tell_measures(summary['model'])}</tr>"
    if summary["baseline"]:
        rows += f"<tr><td>{_escape(baseline)}</td>{_tell_measures(summary['baseline'])}</tr>"
    words = (
        f"<p>{summary['cases']} cases; {summary['below_half']} with a Dice below 0.5; something marked in "
        f"{summary['marked_where_nothing_is']} where nothing is outlined. Mean (95 % interval), median.</p>"
    )
    return f"{heading}{words}<table>{head}{rows}</table>"


def _tell_measures(found: Content) -> str:
    return "".join(f"<td>{_tell(found[name])}</td>" for name in MEASURES)


def _tell(interval: Content | None) -> str:
    if interval is None:
        return "none"
    return f"{_say_interval(interval)}, {interval['median']:.3f}"


def _say_interval(interval: Content | None) -> str:
    return "none" if interval is None else f"{interval['mean']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"


def _tell_makers(content: Content) -> str:
    if not content["makers"]:
        return ""
    here = {summary["segment_label"]: summary["model"]["dice"] for summary in content["summaries"]}
    rows = "".join(
        f"<tr><td>{_escape(each['segment_label'])}</td><td>{_say_interval(each['dice'])}, {each['cases']} cases</td>"
        f"<td>{_say_interval(here.get(each['segment_label']))}</td></tr>"
        for each in content["makers"]
    )
    return (
        "<h2>Beside what its makers measured</h2><table><tr><th>Dice</th><th>on its makers' cases</th><th>here</th>"
        f"</tr>{rows}</table>"
    )


def _tell_groups(content: Content, fact: str) -> str:
    heading = f"<h2>{_FACT_WORDS[fact]}</h2>"
    if fact not in content["by"]:
        return f"{heading}<p>Not told by any header.</p>"
    rows = "".join(
        f"<tr><td>{_escape(each['group'] or 'not told')}</td><td>{_escape(each['segment_label'])}</td>"
        f"<td>{each['cases']}</td><td>{_say_interval(each['model']['dice'])}</td>"
        f"<td>{_warn_few(each, content['few_cases'])}</td></tr>"
        for each in content["by"][fact]
    )
    return (
        f"{heading}<table><tr><th>Group</th><th>Segment</th><th>Cases</th><th>Dice (95 % interval)</th><th></th></tr>"
        f"{rows}</table>"
    )


def _warn_few(summary: Content, few: int) -> str:
    dice = summary["model"]["dice"]
    return f"fewer than {few} cases: the interval says little" if dice is None or dice["count"] < few else ""


def _tell_worst(worst: Content, picture: bytes) -> str:
    scores = "; ".join(f"{_escape(label)} Dice {_say(dice)}" for label, dice in worst["dice"].items())
    name = _escape(worst["case"])
    return (
        f'<figure><img alt="{name}" src="data:image/png;base64,{base64.b64encode(picture).decode()}"><figcaption>'
        f'{name}: {scores} (<span class="o">outlined</span>, <span class="m">marked</span>)</figcaption></figure>'
    )


def _tell_cases(cases: Sequence[Content], baseline: str) -> str:
    head = "".join(f"<th>{_WORDS[name]}</th>" for name in MEASURES)
    rows = "".join(
        f"<tr><td>{_escape(case['case'])}</td><td>{_escape(case['segment_label'])}</td>"
        + "".join(f"<td>{_say(case['agreement'][name])}</td>" for name in MEASURES)
        + f"<td>{_say(case['baseline']['dice']) if case['baseline'] else ''}</td><td>{case['seconds']:.1f}</td></tr>"
        for case in cases
    )
    return (
        f"<table><tr><th>Case</th><th>Segment</th>{head}<th>Dice of {_escape(baseline or 'nothing beside')}</th>"
        f"<th>s</th></tr>{rows}</table>"
    )


def _say(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"

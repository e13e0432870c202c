"""What the measurement of a model that ships leaves: every case, the figures over all, pictures of the worst.

``NAME/cases.csv``, ``NAME/evaluation.json`` and ``NAME/worst-1.webp`` to ``worst-3.webp``; `inference.evidence` reads
them for the card, without torch.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from inference.evaluation.cases import LeftOut
from inference.evaluation.report import MEASURES, build_json, draw_case
from inference.evaluation.run import CaseScore, Evaluated
from inference.evidence import CASES_FILE, EVALUATION_FILE, name_picture
from inference.model_spec import ModelSpec

_COUNTS = ("lesions", "lesions_found", "lesions_false")
_COLUMNS = (
    *("case", "segment_number", "segment", *MEASURES, "truth", "found"),
    *("baseline", "baseline_dice", "seconds", *_COUNTS),
)


def write_shipped(
    folder: Path,
    spec: ModelSpec,
    scores: Sequence[CaseScore],
    worst: Sequence[Evaluated],
    left_out: Sequence[LeftOut],
    *,
    baseline: str,
    training: Mapping[str, object],
) -> None:
    """Write what was measured into a folder of the model's name.

    Parameters
    ----------
    folder
        Where it is made: beside the weights of networks.
    training
        How weights and figures came about: machine, seconds, steps, set and its licence, the command to do it again.
    """
    target = folder / spec.name
    target.mkdir(parents=True, exist_ok=True)
    (target / CASES_FILE).write_text(write_cases(scores, baseline=baseline), encoding="utf-8")
    content = build_json(spec, scores, left_out, baseline=baseline)
    del content["cases"]  # they are in the table
    pictures = [
        {"case": each.case.name, "dice": {s.segment_label: s.agreement.dice for s in each.scores}} for each in worst
    ]
    content |= {"worst": pictures, "training": dict(training)}
    (target / EVALUATION_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for number, each in enumerate(worst, start=1):
        out = io.BytesIO()
        Image.open(io.BytesIO(draw_case(each))).save(out, "WEBP", quality=80)
        (target / name_picture(number)).write_bytes(out.getvalue())


def write_cases(scores: Sequence[CaseScore], *, baseline: str) -> str:
    """Return a table (CSV) with a line for each segment of each case; empty where a measure has no meaning.

    Volumes are in mL, distances in mm; in 1000 pixels and pixels where images have no millimetres.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for score in scores:
        found = score.agreement
        writer.writerow(
            [
                score.case,
                score.segment_number,
                score.segment_label,
                *(_write(getattr(found, name)) for name in MEASURES),
                _write(found.truth_ml),
                _write(found.found_ml),
                baseline if score.baseline else "",
                _write(score.baseline.dice if score.baseline else None),
                f"{score.seconds:.2f}",
                *(getattr(found, name) for name in _COUNTS),
            ]
        )
    return out.getvalue()


def _write(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"

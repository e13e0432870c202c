"""What an evaluation leaves: figures as JSON, every case as CSV, a page of its own, pictures of the worst."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from PIL import Image

from inference.evaluation.acceptance import judge
from inference.evaluation.case_sets import Cases
from inference.evaluation.evaluation import Evaluation, Watch, evaluate_model
from inference.evaluation.html_page import build_html
from inference.evaluation.report import FEW_CASES, build_json, draw_case, summarise_scores
from inference.evaluation.shipped import write_cases
from inference.evaluation.wish import EvaluationWish
from inference.evidence import CASES_FILE, EVALUATION_FILE, HTML_FILE, name_picture, read_evidence
from inference.model_spec import ModelSpec
from studies.dicom.segmentation import SOFTWARE_VERSION


def evaluate_into_files(
    spec: ModelSpec, cases: Cases, wish: EvaluationWish, watch: Watch, record: Mapping[str, object]
) -> dict[str, bytes]:
    """Run a model over every case and return what that leaves; raises as `evaluate_model` does."""
    return write_files(evaluate_model(spec, cases, wish, watch), record)


def describe_evaluation(found: Evaluation, record: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Return everything as plain values.

    Parameters
    ----------
    record
        Who asked for it and when, where somebody keeps a record of it.
    """
    spec, wish = found.spec, found.wish
    content = build_json(spec, found.scores, found.left_out, baseline=wish.baseline)
    evidence = read_evidence(spec)
    judgement = None if wish.least_dice is None else judge(summarise_scores(found.scores), wish.least_dice)
    return content | {
        "model": content["model"] | {"weights_sha256": digest_weights(spec)},
        "software_version": SOFTWARE_VERSION,
        "record": dict(record or {}),
        "few_cases": FEW_CASES,
        "segments": None if wish.segments is None else {str(key): list(value) for key, value in wish.segments.items()},
        "remarks": _list_remarks(found),
        "judgement": None if judgement is None else asdict(judgement),
        "makers": None if evidence is None else _describe_makers(evidence.content),
        "worst": [
            {"case": each.case.name, "dice": {s.segment_label: s.agreement.dice for s in each.scores}}
            for each in found.worst
        ],
    }


def _describe_makers(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what its makers measured, for each structure."""
    return [
        {"segment_label": each["segment_label"], "cases": each["cases"], "dice": each["model"].get("dice")}
        for each in content.get("summaries", [])
    ]


def _list_remarks(found: Evaluation) -> list[dict[str, Any]]:
    return [
        {
            "code": "labels.not_compared",
            "number": number,
            "cases": cases,
            "text": f"The number {number} is outlined in {cases} cases and counts as none of the model's segments.",
        }
        for number, cases in sorted(found.unknown_numbers.items())
    ]


def digest_weights(spec: ModelSpec) -> str:
    """Return SHA-256 of the weights, of several files over their digests in order; empty for a rule without weights."""
    digests = [] if spec.network is None else [file.sha256 for file in spec.network.weights]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest() if digests else ""


def write_files(found: Evaluation, record: Mapping[str, object] | None = None) -> dict[str, bytes]:
    """Return what an evaluation leaves, by file name: JSON, table of cases (CSV), HTML page, pictures of the worst."""
    content = describe_evaluation(found, record)
    pictures = [draw_case(each) for each in found.worst]
    files = {
        EVALUATION_FILE: (json.dumps(content, indent=1) + "\n").encode(),
        CASES_FILE: write_cases(found.scores, baseline=found.wish.baseline).encode(),
        HTML_FILE: build_html(content, pictures).encode(),
    }
    for number, picture in enumerate(pictures, start=1):
        files[name_picture(number)] = _as_webp(picture)
    return files


def _as_webp(picture: bytes) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(out, "WEBP", quality=80)
    return out.getvalue()

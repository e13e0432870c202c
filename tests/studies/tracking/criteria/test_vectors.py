"""The acceptance vectors: those of the specification, and how a file is read, run and refused."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from studies.dicom.suv_vectors import run_suv
from studies.tracking.acceptance.runner import RUNNERS, compare, run_vectors
from studies.tracking.acceptance.schema import SCHEMA, VectorFileError

VECTORS = Path(__file__).resolve().parents[5] / "shared" / "criteria" / "vectors.json"
SUV = {"SUV": run_suv}

RECIST: dict[str, Any] = {
    "id": "own-1",
    "criterion": "RECIST_1_1",
    "title": "thirty percent less",
    "rule_ref": "R11.T.PR",
    "config": {"pr_persistence": "eortc", "min_sd_days": 42},
    "lesions": [{"id": "T1", "organ": "liver", "kind": "non_nodal"}],
    "timepoints": [{"day": 0, "targets": {"T1": {"mm": 46.0}}}, {"day": 56, "targets": {"T1": {"mm": 32.2}}}],
    "expected": {"timepoints": [{"overall": "BASELINE"}, {"overall": "PR", "pct_baseline": -30.0}], "bor": "PR"},
}
OTHERS: list[dict[str, Any]] = [
    {
        "criterion": "IRECIST",
        "lesions": RECIST["lesions"],
        "timepoints": [
            {"day": 0, "targets": {"T1": {"mm": 50}}},
            {"day": 56, "targets": {"T1": {"mm": 48}}, "new_lesions": {"target_mm": [12], "non_target_n": 1}},
        ],
        "expected": {"timepoints": [{}, {"overall": "iUPD", "sum": 48}], "bor": "iUPD", "progression_day": None},
    },
    {
        "criterion": "MRECIST_HCC",
        "lesions": RECIST["lesions"],
        "timepoints": [{"day": 0, "targets": {"T1": {"mm": 20}}}, {"day": 56, "targets": {"T1": {"mm": 24}}}],
        "expected": {"bor": "PD"},
    },
    {
        "criterion": "RANO_BM",
        "config": {"confirmation_required": False},
        "lesions": RECIST["lesions"],
        "timepoints": [
            {"day": 0, "targets": {"T1": {"mm": 30}}, "steroid_mg": 2},
            {"day": 56, "targets": {"T1": {"mm": 20}}, "steroid_mg": 4},
        ],
        "expected": {"timepoints": [{}, {"overall": "UNDETERMINED"}]},
    },
    *(
        {
            "criterion": criterion,
            "config": {"mode": "2D", "component": component},
            "timepoints": [{"day": 0, "products_mm2": [1000]}, {"day": 56, "products_mm2": [500]}],
            "expected": {"timepoints": [{}, {"overall": "PR", "nadir": 1000}], "bor": "SD"},
        }
        for criterion, component in (("RANO_2_0", "CE"), ("MRANO", "CE"), ("RANO_HGG", "CE"), ("RANO_LGG", "nonCE"))
    ),
    {"criterion": "RANO_MIXED", "input": {"ce": "PR", "non_ce": "MR"}, "expected": {"result": "MR"}},
    {
        "criterion": "PERCIST",
        "timepoints": [
            {"day": 0, "sulpeak": [10], "liver_mean": 1.8, "liver_sd": 0.2},
            {"day": 56, "sulpeak": [7]},
        ],
        "expected": {"timepoints": [{"threshold": 3.1, "measurable": True}, {"overall": "PMR"}]},
    },
    {
        "criterion": "LUGANO_CT",
        "timepoints": [
            {"day": 0, "nodes": {"A": [40, 30], "B": [30, 20]}},
            {"day": 56, "nodes": {"A": [30, 20], "B": {"state": "tstm"}}},
        ],
        "expected": {"timepoints": [{"sum": 1800}, {"sum": 625, "overall": "PR"}]},
    },
    {
        "criterion": "LUGANO_PET",
        "input": {"uptake": 3, "mbp": 1.5, "liver": 2.2, "trend": "decreased"},
        "expected": {"result": {"score": 4, "response": "PMR"}},
    },
    {"criterion": "MEASURABILITY", "input": {"kind": "node", "short_mm": 9.9}, "expected": {"result": "normal"}},
    {
        "criterion": "SELECTION",
        "input": {"targets": [{"organ": "skin", "kind": "non_nodal", "ld_mm": 9}]},
        "expected": {"result": ["NOT_MEASURABLE"]},
    },
    {
        "criterion": "NODULE",
        "input": {"v1_mm3": 100, "v2_mm3": 200, "days": 600},
        "expected": {"result": {"vdt_days": 600, "nelson": "indeterminate"}},
    },
    {
        "criterion": "REPEATABILITY",
        "input": {"old": 100, "new": 110.1, "limit_pct": 10},
        "expected": {"result": False},
    },
    {
        "criterion": "GEOMETRY",
        "input": {"op": "voxel_volume", "voxels": 1000, "pixel_spacing_mm": [0.5, 0.5], "slice_spacing_mm": 4},
        "expected": {"result": {"volume_ml": 1.0}},
    },
    {
        "criterion": "GEOMETRY",
        "input": {"op": "ld_perp", "points_mm": [[0, 0], [40, 0], [40, 30], [0, 30]]},
        "expected": {"result": {"ld_mm": 50.0}},
    },
    {
        "criterion": "GEOMETRY",
        "input": {"op": "recist_equiv", "diameter_factor": 1.2},
        "expected": {"result": {"area_pct": 44.0, "volume_pct": 72.8}},
    },
    {
        "criterion": "SUV",  # 1000 Bq/mL x 70,000 g over a dose that fell to 35 MBq in one half-life: 2.0
        "input": {
            "stored_value": 500,
            "slope": 2,
            "weight_kg": 70,
            "dose_bq": 70000000,
            "half_life_s": 3600,
            "inj_datetime": "20260101233000",
            "scan_datetime": "20260102003000",
            "decay_correction": "START",
        },
        "expected": {"result": 2.0},
    },
    {
        "criterion": "SUV",
        "input": {
            "stored_value": 500,
            "slope": 2,
            "dose_bq": 70000000,
            "half_life_s": 3600,
            "inj_datetime": "20260101233000",
            "scan_datetime": "20260102003000",
        },
        "expected": {"result": None, "reason": "suv.weight_missing"},
    },
]


def document(*vectors: dict[str, Any]) -> Any:
    """Return a parsed file, numbers exact as the command reads them."""
    return json.loads(json.dumps({"schema": SCHEMA, "vectors": list(vectors)}), parse_float=Decimal)


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the RECIST vector with one value replaced; the path is written with dots."""
    made = copy.deepcopy(RECIST)
    place: Any = made
    *parents, last = path.split(".")
    for part in parents:
        place = place[int(part) if part.isdigit() else part]
    place[last] = value
    return made


def test_the_vectors_of_the_specification() -> None:
    if not VECTORS.is_file():
        pytest.skip(f"{VECTORS} is absent: the specification's vectors do not ship with the code")
    outcomes = run_vectors(json.loads(VECTORS.read_text(), parse_float=Decimal), more_runners=SUV)
    assert len(outcomes) >= 151
    assert {o.vector.vector_id: [str(m) for m in o.mismatches] for o in outcomes if not o.is_passed} == {}
    assert [note for o in outcomes for note in o.notes] == []


def test_every_criterion_of_the_schema_runs() -> None:
    numbered = [{"id": f"own-{n}", "title": "", **vector} for n, vector in enumerate(OTHERS, 2)]
    outcomes = run_vectors(document(RECIST, *numbered), more_runners=SUV)
    assert [str(m) for o in outcomes for m in o.mismatches] == []
    assert {o.vector.criterion for o in outcomes} == {*RUNNERS, "SUV"}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("expected.bor", "SD", "bor: expected 'SD', got 'PR'"),
        ("expected.timepoints", [{}], "timepoints"),
        ("timepoints.1.targets.T1", {"mm": 32.3}, "pct_baseline"),
        ("timepoints.1.day", 0, "criteria.two_timepoints_on_one_day"),
        ("timepoints.1.targets.T1", {"state": "lost"}, "criteria.vector_field_unreadable"),
        ("timepoints.1.targets.T1", {}, "lacks the field 'mm'"),
        ("config.pr_persistence", "sometimes", "known are eortc, strict"),
        ("lesions", [{"id": "T1", "kind": "cloud"}], "ValueError"),
        ("criterion", "WHO", "one of"),
    ],
)
def test_a_vector_that_fails_says_where(path: str, value: Any, said: str) -> None:
    (outcome,) = run_vectors(document(changed(path, value)))
    assert not outcome.is_passed
    assert said in " ".join(str(mismatch) for mismatch in outcome.mismatches)


def test_a_field_nobody_reads_is_told() -> None:
    (outcome,) = run_vectors(document(changed("timepoints.1.weather", "fair")))
    assert outcome.is_passed
    assert outcome.notes == ("not looked at: timepoints 2: weather",)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ([1, 2], "no file of acceptance vectors"),
        ({"vectors": []}, "no file of acceptance vectors"),
        ({"schema": "other/1", "vectors": [RECIST]}, "other/1"),
        ({"schema": SCHEMA, "vectors": []}, "no vectors"),
        ({"schema": SCHEMA, "vectors": ["PR"]}, "Vector 1 is no object"),
        ({"schema": SCHEMA, "vectors": [{"id": "a", "criterion": "IRECIST"}]}, "needs expected"),
        ({"schema": SCHEMA, "vectors": [RECIST, RECIST]}, "own-1 occurs twice"),
    ],
)
def test_what_is_no_vector_file_is_refused_in_a_sentence(made: Any, said: str) -> None:
    with pytest.raises(VectorFileError, match=said) as caught:
        run_vectors(made)
    assert caught.value.code == "criteria.vector_file_unreadable"


def test_comparison_is_tolerant_to_a_millionth_and_no_more() -> None:
    assert list(compare({"a": [1.0, "inf", None]}, {"a": [Decimal("1.0000009"), "inf", None], "b": 2})) == []
    assert len(list(compare({"a": 1.0, "b": None, "c": True}, {"a": Decimal("1.0000011"), "b": 0, "c": 1}))) == 3
    assert [str(m) for m in compare({"a": 1}, {})] == ["a: expected 1, got nothing"]


def run_command(path: Path) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("check_criteria", str(path), stdout=out)
    except SystemExit as left:
        return out.getvalue(), int(left.code or 0)
    return out.getvalue(), 0


def test_the_command_counts_and_leaves_with_one_on_failure(tmp_path: Path) -> None:
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps({"schema": SCHEMA, "vectors": [RECIST]}))
    assert run_command(path) == ("1 passed, 0 failed\n", 0)
    path.write_text(
        json.dumps({"schema": SCHEMA, "vectors": [RECIST, {**changed("expected.bor", "CR"), "id": "own-2"}]})
    )
    text, code = run_command(path)
    assert code == 1
    assert text.startswith("1 passed, 1 failed\nFAILED own-2 [RECIST_1_1] thirty percent less (R11.T.PR)\n")
    assert "bor: expected 'CR', got 'PR'" in text


@pytest.mark.parametrize(
    ("content", "said"), [("{", "no JSON"), ("[]", "acceptance vectors"), (None, "cannot be read")]
)
def test_the_command_refuses_what_it_cannot_read(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "vectors.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CommandError, match=said):
        call_command("check_criteria", str(path), stdout=StringIO())

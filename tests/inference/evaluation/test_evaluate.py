"""A hospital's acceptance test: a model over outlined cases, whose scores are known from geometry."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from inference.evaluation.baselines import mark_by_best_region, mark_by_best_threshold
from inference.evaluation.cases import OutlinedCase, find_cases, read_case
from inference.evaluation.metrics import Agreement
from inference.evaluation.report import draw_case, find_worst, summarise_scores
from inference.evaluation.run import CaseScore, Evaluated, evaluate_case, match_segments
from inference.evaluation.sources import open_source
from inference.registry import get_model, validate_parameters
from studies.label_maps.label_map import LabelMap
from studies.label_maps.nifti import write_nifti, write_volume_nifti
from tests.inference.volumes import ball, make_volume, measure_dice

SHAPE = (12, 40, 40)


def make_case(name: str = "case", *, noise: float = 5.0, seed: int = 1) -> OutlinedCase:
    """A bright ball of radius 8 on a body of medium grey, and a second ball as bright that nobody outlined."""
    truth = ball(SHAPE, (6, 14, 14), 5)
    other = ball(SHAPE, (6, 30, 30), 3)
    body = ball(SHAPE, (6, 20, 20), 22)
    values = 100.0 * body + 200.0 * (truth | other) + np.random.default_rng(seed).normal(0, noise, SHAPE)
    return OutlinedCase(name, make_volume(values.astype(np.float32)), (), truth.astype(np.uint8), True, {})


def write_cases(folder: Path, count: int = 3) -> None:
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for number in range(count):
        case = make_case(seed=number)
        write_volume_nifti(case.image, folder / "images" / f"case{number}.nii.gz")
        write_nifti(LabelMap(case.truth, case.image.geometry, ()), folder / "labels" / f"case{number}.nii.gz")


def test_the_best_threshold_is_no_worse_than_any_that_was_tried() -> None:
    for noise in (5.0, 60.0):
        case = make_case(noise=noise)
        truth = case.truth > 0
        best = measure_dice(mark_by_best_threshold(case, truth, 1), truth)
        tried = [measure_dice(case.image.voxels > level, truth) for level in range(-50, 350, 10)]
        assert best >= max(tried) - 0.02
    dark = make_case()
    inverted = OutlinedCase("dark", make_volume(-dark.image.voxels), (), dark.truth, True, {})
    assert measure_dice(mark_by_best_threshold(inverted, dark.truth > 0, 1), dark.truth > 0) > 0.8


def test_the_best_region_leaves_the_other_ball_out() -> None:
    case = make_case()
    truth = case.truth > 0
    assert measure_dice(mark_by_best_threshold(case, truth, 1), truth) == pytest.approx(
        2 * truth.sum() / (2 * truth.sum() + ball(SHAPE, (6, 30, 30), 3).sum()), abs=0.01
    )
    assert measure_dice(mark_by_best_region(case, truth, 1), truth) > 0.99
    for mark in (mark_by_best_threshold, mark_by_best_region):
        assert not mark(case, np.zeros(SHAPE, bool), 1).any()


def test_a_case_is_scored_segment_by_segment() -> None:
    spec, case = get_model("threshold"), make_case()
    parameters = validate_parameters(spec, {"lower": 200.0}, SHAPE)
    segments = {1: (1,)}
    scores = evaluate_case(case, spec, segments, parameters=parameters, baseline=mark_by_best_region).scores
    (score,) = scores
    truth = case.truth > 0
    both = truth.sum() + ball(SHAPE, (6, 30, 30), 3).sum()
    assert score.segment_label == "Within bounds"
    assert score.agreement.dice == pytest.approx(2 * truth.sum() / (truth.sum() + both), abs=0.01)
    assert score.agreement.truth_ml == pytest.approx(truth.sum() / 1000)
    assert score.agreement.lesion_f1 == pytest.approx(2 / 3)
    assert score.baseline is not None
    assert score.baseline.dice > score.agreement.dice


def test_segments_meet_by_number_or_as_stated() -> None:
    truth = np.array([[[0, 1, 3]]], np.uint8)
    assert match_segments(get_model("otsu"), truth) == {1: (1,), 2: (2,)}
    assert match_segments(get_model("enhancing_lesion"), truth) == {1: (1, 3)}
    assert match_segments(get_model("otsu"), truth, {2: (1, 3)}) == {2: (1, 3)}


def score(case: str, dice: float | None, found_ml: float = 1.0, **facts: str) -> CaseScore:
    return CaseScore(case, 1, "Lesion", Agreement(1.0, found_ml, dice, dice, 1.0, 0.0, dice), None, 0.1, facts, True)


def test_summaries_say_how_many_fail_and_by_scanner() -> None:
    scores = [score("a", 0.9, scanner="A"), score("b", 0.3, scanner="A"), score("c", 0.7, scanner="B")]
    scores += [score("d", None, scanner="B"), score("e", None, 0.0, scanner="B")]
    (all_of_them,) = summarise_scores(scores)
    assert (all_of_them.cases, all_of_them.below_half, all_of_them.marked_where_nothing_is) == (5, 1, 1)
    mean = all_of_them.model["dice"]
    assert mean is not None
    assert (mean.mean, mean.median, mean.count) == (pytest.approx(1.9 / 3), 0.7, 3)
    assert mean.low < mean.mean < mean.high
    by = {summary.group: summary for summary in summarise_scores(scores, by="scanner")}
    assert {group: summary.cases for group, summary in by.items()} == {"A": 2, "B": 3}


def test_the_worst_are_those_with_the_lowest_dice() -> None:
    case = make_case()
    evaluated = [
        Evaluated(case, case.truth, (score(name, dice),))
        for name, dice in (("a", 0.9), ("b", 0.2), ("c", None), ("d", 0.5), ("e", 0.6))
    ]
    assert [each.scores[0].case for each in find_worst(evaluated)] == ["b", "d", "e"]


def test_the_picture_shows_the_slice_where_they_differ_most() -> None:
    case = make_case()
    found = case.truth.copy()
    found[9, 20:30, 20:30] = 1
    picture = np.asarray(Image.open(io.BytesIO(draw_case(Evaluated(case, found, ())))))
    assert tuple(picture[20, 25]) == (230, 159, 0), "what was marked"
    assert picture.shape == (40, 40, 3)


def test_the_command_prints_writes_and_goes_on_past_what_it_cannot_use(tmp_path: Path) -> None:
    write_cases(tmp_path / "cases")
    (tmp_path / "cases" / "images" / "broken.nii.gz").write_bytes(b"no image")
    (tmp_path / "cases" / "labels" / "broken.nii.gz").write_bytes(b"no image")
    out, progress = io.StringIO(), io.StringIO()
    options = {"cases": tmp_path / "cases", "output": tmp_path / "out", "map": ["2=1"]}
    call_command("evaluate", "otsu", stdout=out, stderr=progress, **options)
    told = json.loads(out.getvalue())
    assert told["model"]["name"] == "otsu"
    (summary,) = told["summaries"]
    assert summary["cases"] == 3
    assert summary["baseline"]["dice"]["mean"] > 0.99
    assert [each["name"] for each in told["left_out"]] == ["broken"]
    assert len(progress.getvalue().strip().splitlines()) == 3
    kept = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert [case["case"] for case in kept["cases"]] == ["case0", "case1", "case2"]
    assert "95th percentile" in kept["definitions"]["hd95"]
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "case2" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["unheard-of", "--cases", "."], "no model called"),
        (["otsu", "--cases", "absent"], "nothing at absent"),
        (["otsu", "--cases", ".", "--baseline", "magic"], "suv41, suv_fixed, threshold"),
        (["otsu", "--cases", ".", "--map", "7=1"], "1 (Darker tissue), 2 (Brighter tissue)"),
        (["otsu", "--cases", ".", "--map", "bright"], "SEGMENT=NUMBERS"),
    ],
)
def test_wrong_options_say_what_is_right(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("evaluate", *arguments)
    assert words in str(refusal.value)
    assert refusal.value.returncode == 2


def test_a_model_that_needs_a_click_says_so(tmp_path: Path) -> None:
    write_cases(tmp_path / "cases", 1)
    with pytest.raises(CommandError, match="needs a person's click"):
        call_command("evaluate", "region_growing", cases=tmp_path / "cases", stderr=io.StringIO())


@pytest.mark.real_data
def test_on_real_outlines(shared_data: Path) -> None:
    """Tumours on contrast T1 are brighter than most, but a threshold finds vessels, skull and fat too."""
    source = open_source(shared_data / "training" / "brisc2025.zip")
    case = read_case(source, find_cases(source)[0][0])
    truth = case.truth > 0
    by_threshold = measure_dice(mark_by_best_threshold(case, truth, 1), truth)
    assert 0.05 < by_threshold < measure_dice(mark_by_best_region(case, truth, 1), truth) <= 1.0

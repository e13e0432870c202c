"""What the cards of classical methods say was measured: every case is there, figures follow, cases give them again."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from inference.evaluation.run import evaluate_case, match_segments
from inference.evidence import CASES_FILE, Evidence, read_evidence, tell_evidence
from inference.model_origin import list_origin
from inference.pipeline.manifest import WEIGHTS_FOLDER
from inference.registry import get_model, list_built_in, validate_parameters
from inference.training.method_sets import METHOD_SETS
from inference.training.outlined import Part, load_set

NAMES = sorted(METHOD_SETS)


def evidence_of(name: str) -> Evidence:
    evidence = read_evidence(get_model(name))
    assert evidence is not None
    return evidence


def read_cases(name: str) -> list[dict[str, str]]:
    with (WEIGHTS_FOLDER / name / CASES_FILE).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_measured_methods_are_those_with_evidence() -> None:
    here = {spec.name for spec in list_built_in() if spec.network is None and read_evidence(spec) is not None}
    assert here == set(METHOD_SETS)


@pytest.mark.parametrize("name", NAMES)
def test_figures_follow_from_the_table_of_cases_and_stand_on_the_card(name: str) -> None:
    evidence, cases, card = evidence_of(name), read_cases(name), get_model(name).card
    assert len({case["case"] for case in cases}) == evidence.content["training"]["cases"]["validate"]
    assert evidence.content["training"]["command"].startswith(f"manage.py measure_method {name}")
    for summary in evidence.content["summaries"]:
        lines = [case for case in cases if case["segment"] == summary["segment_label"]]
        dice = [float(case["dice"]) for case in lines if case["dice"]]
        assert summary["model"]["dice"]["mean"] == pytest.approx(np.mean(dice), abs=1e-4)
        assert summary["lesions_found"] == sum(int(case["lesions_found"]) for case in lines)
        assert summary["lesions_false"] == sum(int(case["lesions_false"]) for case in lines)
        mean = f"{summary['model']['dice']['mean']:.3f}"  # the table's are rounded
        assert mean in tell_evidence(evidence)
        assert mean in card
    picture = evidence.find_picture(1)
    assert picture is not None
    assert min(Image.open(picture).size) > 20


@pytest.mark.parametrize("name", NAMES)
def test_cases_give_the_figures_again(name: str, shared_data: Path) -> None:
    method_set, spec = METHOD_SETS[name], get_model(name)
    stated = {(case["case"], int(case["segment_number"])): case["dice"] for case in read_cases(name)}
    if method_set.outlined is None:
        again = method_set.draw_cases(2)
    else:
        again = list(load_set(method_set.outlined, shared_data / "training").cases[Part.VALIDATE][:2])
    for case in again:
        parameters = validate_parameters(spec, {}, case.image.geometry.shape)
        segments = match_segments(spec, case.truth)
        for score in evaluate_case(case, spec, segments, parameters=parameters, baseline=None).scores:
            told = stated[case.name, score.segment_number]
            assert score.agreement.dice == (pytest.approx(float(told), abs=0.005) if told else None)


def test_the_card_says_what_the_figures_were_measured_on() -> None:
    def told(name: str) -> str:
        facts = {fact.name: fact.value for fact in list_origin(get_model(name), evidence_of(name).content["training"])}
        return facts["training_data"] or ""

    assert told("skin_lesion").endswith("Measured on drawn images; no patient's image.")
    assert "ibsi_sts.zip, CC BY 3.0, Valli" in told("pet_uptake")
    assert list_origin(get_model("otsu"), {})[1].value == "A fixed rule: it is not trained."


def test_a_wrong_name_and_missing_data_are_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"Choose one of: .*pet_uptake"):
        call_command("measure_method", "magic")
    with pytest.raises(CommandError, match=r"training\.data_missing"):
        call_command("measure_method", "pet_uptake", data=tmp_path, output=tmp_path)

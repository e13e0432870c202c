from __future__ import annotations

import json
import math

import pytest

from inference.model_spec import Method
from inference.pipeline.manifest import WEIGHTS_FOLDER
from inference.registry import (
    InvalidParametersError,
    UnknownModelError,
    check_applicable,
    get_model,
    list_models,
    validate_parameters,
)

SHAPE = (10, 20, 30)
NAN, INFINITE = math.nan, math.inf


def test_the_catalogue_holds_every_method_once() -> None:
    names = [spec.name for spec in list_models()]
    assert len(set(names)) == len(names)
    assert {spec.method for spec in list_models()} == set(Method)
    for spec in list_models():
        assert [s.segment_number for s in spec.segments] == list(range(1, len(spec.segments) + 1))
        assert spec.limits
        assert "Research use only" in spec.card
        assert spec.title in spec.card


def test_each_network_has_its_weights_beside_it() -> None:
    for spec in list_models():
        if spec.network is not None:
            assert sum((WEIGHTS_FOLDER / file.path).stat().st_size for file in spec.network.weights) < 5_000_000
            assert "Dice" in spec.card


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownModelError, match="otsu, threshold") as caught:
        get_model("nnunet")
    assert caught.value.code == "model.unknown"


def test_defaults_are_filled_in_and_validated_values_pass_again() -> None:
    spec = get_model("region_growing")
    parameters = validate_parameters(spec, {"seed": [3, 4, 5]}, SHAPE)
    assert parameters == {"seed": (3, 4, 5), "tolerance": 1.0, "largest_volume": 150.0}
    assert validate_parameters(spec, json.loads(json.dumps(parameters)), SHAPE) == parameters


@pytest.mark.parametrize(
    ("model", "raw", "culprit"),
    [
        ("region_growing", {}, "seed"),
        ("region_growing", {"seed": [3, 4]}, "seed"),
        ("region_growing", {"seed": [3, 4, 30]}, "seed"),
        ("region_growing", {"seed": [-1, 4, 5]}, "seed"),
        ("region_growing", {"seed": [1.5, 4, 5]}, "seed"),
        ("region_growing", {"seed": [True, 4, 5]}, "seed"),
        ("region_growing", {"seed": [NAN, 4, 5]}, "seed"),
        ("region_growing", {"seed": "345"}, "seed"),
        ("region_growing", {"seed": {"0": 1, "1": 2, "2": 3}}, "seed"),
        ("region_growing", {"seed": [1, 2, 3], "tolerance": NAN}, "tolerance"),
        ("region_growing", {"seed": [1, 2, 3], "tolerance": 0}, "tolerance"),
        ("region_growing", {"seed": [1, 2, 3], "tolerance": INFINITE}, "tolerance"),
        ("region_growing", {"seed": [1, 2, 3], "largest_volume": "50"}, "largest_volume"),
        ("threshold", {}, "lower"),
        ("threshold", {"lower": 10, "upper": 5}, "lower"),
        ("threshold", {"lower": True}, "lower"),
        ("threshold", {"lower": 10**400}, "lower"),
        ("threshold", {"lower": [1]}, "lower"),
        ("kmeans", {"classes": 2.5}, "classes"),
        ("kmeans", {"classes": 9}, "classes"),
        ("kmeans", {"classes": 1}, "classes"),
        ("otsu", {"classes": 3}, "classes"),
        ("otsu", {"__class__": 3}, "__class__"),
    ],
)
def test_hostile_parameters_are_refused_by_name(model: str, raw: dict[str, object], culprit: str) -> None:
    with pytest.raises(InvalidParametersError) as caught:
        validate_parameters(get_model(model), raw, SHAPE)
    assert caught.value.details["parameter"] == culprit
    assert caught.value.code == "parameters.invalid"


def test_models_take_their_modality_and_stacks_unless_they_need_a_volume() -> None:
    for spec in list_models():
        modality = min(spec.modalities, default="MR")
        assert check_applicable(spec, modality, "regular") is None
        assert "no images" in str(check_applicable(spec, modality, "not_images"))
        assert "differ in size" in str(check_applicable(spec, modality, "mixed_size"))
        stack = check_applicable(spec, modality, "gaps")
        assert (stack is None) is not spec.needs_volume
        if spec.modalities:
            assert modality in str(check_applicable(spec, "XX", "regular"))

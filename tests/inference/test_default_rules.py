"""The rules that an installation starts with, held against headers as scanners write them, in English and German."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from inference.default_rules import DEFAULT_RULES, NOT_ROUTED, DefaultRule
from inference.evidence import Evidence, has_beaten_baseline, read_evidence
from inference.management.commands.lay_down_rules import Command
from inference.models import RoutingRule
from inference.registry import get_model, list_built_in
from inference.services.default_rules import lay_down_default_rules
from inference.services.rule_matching import find_header_mismatch, find_record_mismatch
from studies.dicom.acquisition import read_acquisition
from studies.models import AuditEntry, Series, Study

T1 = {"EchoTime": 4.0, "RepetitionTime": 600.0, "ScanningSequence": "SE"}
T1C = {**T1, "ContrastBolusAgent": "Gadovist"}
T2 = {"EchoTime": 100.0, "RepetitionTime": 5000.0, "ScanningSequence": "SE"}
FLAIR = {"EchoTime": 90.0, "RepetitionTime": 9000.0, "InversionTime": 2500.0, "ScanningSequence": "SE"}
CINE = {"EchoTime": 1.4, "RepetitionTime": 40.0, "ScanningSequence": "GR"}
LOCALIZER = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
MPR = {"ImageType": ["DERIVED", "SECONDARY", "MPR"]}
NONE: set[str] = set()
RETINA = {"retinal_ridges", "retinal_vessels"}

# modality, body part, study description, series description, further header, models that are asked
HEADERS: list[tuple[str, str, str, str, dict[str, Any], set[str]]] = [
    ("MR", "BRAIN", "MR brain w/wo", "t1_mprage_ce_tra", T1C, {"brain_tumour"}),
    ("MR", "HEAD", "MRT Schädel mit KM", "t1_tse_tra_KM", T1C, {"brain_tumour"}),
    ("MR", "", "MRT des Kopfes", "T1 tra Kopf KM", T1C, {"brain_tumour"}),
    ("MR", "SCHAEDEL", "cMRT", "t1 cor km", {**T1, "ContrastBolusAgent": ""}, {"brain_tumour"}),
    ("MR", "SKULL", "MRI Pituitary", "T1 SAG POST GAD", T1, {"brain_tumour"}),
    ("MR", "BRAIN", "MR brain", "t1_mprage_sag", T1, NONE),
    ("MR", "BRAIN", "MR brain", "t1_tra pre contrast", T1, NONE),
    ("MR", "BRAIN", "MR brain w/wo", "t2_flair_tra", FLAIR, NONE),
    ("MR", "BRAIN", "MR brain w/wo", "t2_tse_tra", T2, NONE),
    ("MR", "BRAIN", "MR brain w/wo", "ep2d_diff_ADC", {}, NONE),
    ("MR", "BRAIN", "MR brain w/wo", "perf dsc gd", T1C, NONE),
    ("MR", "BRAIN", "MR brain w/wo", "t1_mprage_ce SUB", T1C, NONE),
    ("MR", "BRAIN", "MR brain w/wo", "t1_mprage_ce MPR cor", {**T1C, **MPR}, NONE),
    ("MR", "BRAIN", "MR brain", "localizer", {**T1C, **LOCALIZER}, NONE),
    ("MR", "CSPINE", "MRT HWS mit KM", "t1_tse_sag_KM", T1C, NONE),
    ("MR", "HIP", "MR hip w contrast", "t1 femoral head post gd", T1C, NONE),
    ("MR", "NECK", "MRT Kopf/Hals", "t1 tra Hals KM", T1C, NONE),
    ("MR", "HEAD", "MRT Hypophyse", "t1 cor Dynamik KM", T1C, NONE),
    ("MR", "ABDOMEN", "MR liver", "t1_vibe_portalvenous", T1C, NONE),
    ("MR", "", "", "t1 post contrast", T1C, NONE),
    ("MR", "HEART", "Cardiac MR", "cine_sax_stack", CINE, {"left_ventricle"}),
    ("MR", "HEART", "Herz-MRT", "trufi cine kurze Achse", CINE, {"left_ventricle"}),
    ("MR", "", "MRT Herz mit KM", "cine Kurzachse", CINE, {"left_ventricle"}),
    ("MR", "CHEST", "CMR", "SSFP short axis 25 phases", CINE, {"left_ventricle"}),
    ("MR", "HEART", "Cardiac MR", "cine 4ch", CINE, NONE),
    ("MR", "HEART", "Cardiac MR", "LGE sax PSIR", T1C, NONE),
    ("MR", "HEART", "Cardiac MR", "T1 map MOLLI sax", T1, NONE),
    ("MR", "HEART", "Herz-MRT", "Perfusion Ruhe Kurzachse", T1C, NONE),
    ("MR", "CHEST", "MR thorax", "sax cine", CINE, NONE),
    ("MR", "BRAIN", "Hippocampus cropped", "T1 mprage", T1, {"hippocampus"}),
    ("MR", "BRAIN", "Epilepsy hippocampus protocol", "T1 mprage", T1, NONE),
    ("CT", "CHEST", "CT Chest", "Lung 1.0 Br59", {}, {"lungs"}),
    ("CT", "THORAX", "CT Thorax nativ", "Thorax 5.0 B31f", {}, {"lungs"}),
    ("CT", "", "CT der Lunge, HRCT", "HR 1.0", {}, {"lungs"}),
    ("CT", "CHEST", "CT Thorax/Abdomen", "Thorax Abd 3.0 pv", {}, {"lungs"}),
    ("CT", "CHEST", "CT Chest Abdomen Pelvis", "chest abdomen 5.0", {}, {"lungs"}),
    ("CT", "ABDOMEN", "CT Abdomen", "Abdomen 5.0 pv", {}, NONE),
    ("CT", "ABDOMEN", "CT Oberbauch", "Oberbauch nativ", {}, NONE),
    ("CT", "ABDOMEN", "CT Thorax/Abdomen", "Abdomen 3.0 pv", {}, NONE),
    ("CT", "HEAD", "cCT", "Kopf nativ 5.0", {}, NONE),
    ("CT", "SPINE", "CT Thorax", "BWS sag 2.0", {}, NONE),
    ("CT", "CHEST", "CT Chest", "Topogram", LOCALIZER, NONE),
    ("CT", "CHEST", "CT Chest", "MIP cor", {**MPR}, NONE),
    ("CT", "CHEST", "CT coronary", "CTA Herz 0.6", {}, NONE),
    ("CT", "", "", "5.0 B31f", {}, NONE),
    ("PT", "", "PET-CT whole body FDG", "PET AC", {}, {"pet_uptake"}),
    ("PT", "", "PET-CT Ganzkörper", "PET NAC", {}, NONE),
    ("PT", "LEG", "Sarcoma cropped", "PET", {}, {"pet_uptake", "pet_tumour"}),
    ("US", "", "Obstetric ultrasound", "fetal head HC", {}, {"fetal_head"}),
    ("US", "", "Feinultraschall Kopfumfang", "", {}, {"fetal_head"}),
    ("US", "", "Obstetric ultrasound, HC and AC", "abdomen", {}, NONE),
    ("US", "", "Geburtshilfe", "Femur FL", {}, NONE),
    ("US", "HEART", "Echocardiogram", "A4C", {}, NONE),
    ("US", "", "Axillary plexus block", "", {}, {"nerve_vessel"}),
    ("US", "", "Regionalanästhesie N. medianus", "", {}, {"nerve_vessel"}),
    ("OP", "EYE", "Fundus photograph", "", {}, RETINA),
    ("OP", "EYE", "Augenhintergrund rechts", "", {}, RETINA),
    ("OP", "EYE", "Spaltlampe Vorderabschnitt", "", {}, NONE),
    ("OP", "EYE", "Fundus", "Fluoreszenzangiographie", {}, NONE),
    ("XC", "", "Fundus", "", {}, RETINA),
    ("XC", "", "Skin lesion, left arm", "", {}, {"skin_lesion"}),
    ("XC", "", "Muttermal Rücken", "", {}, {"skin_lesion"}),
    ("XC", "", "Wound, left leg", "", {}, NONE),
    ("DX", "CHEST", "X-ray chest", "PA", {}, NONE),
]


def as_rule(default: DefaultRule) -> RoutingRule:
    conditions = ("modality", "body_part", "description", "excluded", "weighting", "has_contrast", "model_name")
    return RoutingRule(**{name: getattr(default, name) for name in conditions})


def find_asked(modality: str, part: str, study: str, description: str, header: dict[str, Any]) -> set[str]:
    series = Series(
        study=Study(study_description=study),
        modality=modality,
        body_part_examined=part,
        series_description=description,
    )
    dataset = Dataset()
    for keyword, value in {"Modality": modality, "SeriesDescription": description, **header}.items():
        setattr(dataset, keyword, value)
    facts = read_acquisition([dataset])
    rules = [as_rule(default) for default in DEFAULT_RULES]
    holding = [
        rule for rule in rules if not find_record_mismatch(rule, series) and not find_header_mismatch(rule, facts)
    ]
    return {rule.model_name for rule in holding}


@pytest.mark.parametrize(("modality", "part", "study", "description", "header", "asked"), HEADERS)
def test_a_header_leads_to_its_task_or_to_none(
    modality: str, part: str, study: str, description: str, header: dict[str, Any], asked: set[str]
) -> None:
    assert find_asked(modality, part, study, description, header) == asked


def test_every_model_that_ships_has_a_rule_or_a_reason_for_none() -> None:
    shipped = {spec.name for spec in list_built_in()}
    assert shipped <= {default.model_name for default in DEFAULT_RULES} | set(NOT_ROUTED)
    for default in DEFAULT_RULES:
        if default.model_name in shipped:
            assert default.modality in get_model(default.model_name).modalities
    assert len({default.name for default in DEFAULT_RULES}) == len(DEFAULT_RULES)


def evidence(*pairs: tuple[float, float]) -> Evidence:
    summaries = [
        {"model": {"dice": {"low": low, "mean": low + 0.01}}, "baseline": {"dice": {"mean": simple}}}
        for low, simple in pairs
    ]
    return Evidence({"summaries": summaries}, Path())


@pytest.mark.parametrize(
    ("pairs", "has_won"),
    [([(0.9, 0.5)], True), ([(0.9, 0.5), (0.6, 0.65)], False), ([(0.5, 0.5)], False), ([], False)],
)
def test_a_network_has_beaten_its_baseline_only_on_every_segment(
    pairs: list[tuple[float, float]], has_won: bool
) -> None:
    assert has_beaten_baseline(evidence(*pairs)) is has_won


@pytest.mark.django_db
def test_rules_are_laid_down_once_and_what_an_administrator_made_of_them_stays() -> None:
    laid = lay_down_default_rules()
    assert {rule.title for rule in laid} >= {"Lungs on chest CT", "Fetal head", "Hippocampus, cropped T1"}
    for rule in laid:
        found = read_evidence(get_model(rule.model_name))
        expected = rule.model_name == "lungs" if found is None else has_beaten_baseline(found)
        expected = expected and rule.model_name != "skin_lesion"  # measured on drawings alone
        assert rule.is_enabled is expected, rule.title
    assert AuditEntry.objects.filter(act="routing_rule.created", actor="system").count() == len(laid)

    RoutingRule.objects.filter(title="Lungs on chest CT").update(is_enabled=False, body_part="lung")
    RoutingRule.objects.filter(title="Fetal head").delete()
    assert lay_down_default_rules() == []
    Command().handle(verbosity=1)
    changed = RoutingRule.objects.get(title="Lungs on chest CT")
    assert (changed.is_enabled, changed.body_part) == (False, "lung")
    assert not RoutingRule.objects.filter(title="Fetal head").exists()
    assert RoutingRule.objects.count() == len(laid) - 1


@pytest.mark.django_db
def test_a_task_that_comes_with_a_later_version_gets_its_rule_then() -> None:
    assert [rule.title for rule in lay_down_default_rules(DEFAULT_RULES[3:4])] == ["Lungs on chest CT"]
    later = lay_down_default_rules()
    assert "Lungs on chest CT" not in {rule.title for rule in later}
    assert "Fetal head" in {rule.title for rule in later}

"""Vectors with one input and one result: measurability, selection, joined components, scores, growth, geometry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from studies.imaging.geometry import VolumeGeometry
from studies.tracking.acceptance.schema import Fields, VectorFieldError
from studies.tracking.acceptance.values import word
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.inputs import LesionKind
from studies.tracking.criteria.lugano_pet import LymphomaUptake, UptakeTrend, assess_lugano_pet
from studies.tracking.criteria.lung_nodule import (
    NoduleGrowth,
    nodule_growth_from_diameters,
    nodule_growth_from_volumes,
)
from studies.tracking.criteria.measurability import (
    Candidate,
    FindingType,
    Method,
    Scheme,
    judge_measurability,
)
from studies.tracking.criteria.rano_mixed import join_components
from studies.tracking.criteria.target_selection import TargetCandidate, check_selection
from studies.tracking.criteria.verdict import Response
from studies.tracking.equivalence import compare_measures, compute_volume_ml
from studies.tracking.outline import measure_polygon
from studies.tracking.repeatability import is_within_percent

_METHODS = {
    **{str(method): method for method in Method},
    "caliper": Method.CALIPERS,
    "calipers": Method.CALIPERS,
    "clinical": Method.CALIPERS,
    "MR": Method.MRI,
    "ultrasound": Method.ULTRASOUND,
}
_TYPES = {
    **{str(finding): finding for finding in FindingType},
    "leptomeningeal_disease": FindingType.LEPTOMENINGEAL,
    "pleural_effusion": FindingType.EFFUSION,
    "pericardial_effusion": FindingType.EFFUSION,
    "lymphangitic_spread": FindingType.LYMPHANGITIC,
    "lymphangitis": FindingType.LYMPHANGITIC,
    "blastic": FindingType.BLASTIC_BONE,
    "sclerotic_bone": FindingType.BLASTIC_BONE,
    "bone_blastic": FindingType.BLASTIC_BONE,
    "lytic": FindingType.LYTIC_BONE,
    "bone_lytic": FindingType.LYTIC_BONE,
    "mixed_bone": FindingType.LYTIC_BONE,
    "simple_cyst": FindingType.CYST,
    "cystic_metastasis": FindingType.MASS,
}


def run_measurability(body: Fields) -> Mapping[str, Any]:
    """Run a vector about one lesion at baseline."""
    found = _input(body)
    scheme = Scheme(found.take("scheme", default="RECIST"))
    return {"result": str(judge_measurability(_candidate(found), scheme).measurability)}


def _candidate(found: Fields) -> Candidate:
    return Candidate(
        kind=LesionKind(found.take("kind", default="non_nodal")),
        longest_diameter_mm=found.take("ld_mm"),
        short_axis_mm=found.take("short_mm", "perp_mm"),
        slice_thickness_mm=found.take("slice_mm"),
        method=word(found.take("method", default="CT"), _METHODS, "method"),
        finding_type=word(found.take("type", default="mass"), _TYPES, "type"),
        has_soft_tissue_component=bool(found.take("soft_tissue", "soft_tissue_component", default=False)),
        is_locally_treated=bool(found.take("irradiated", "local_therapy", default=False)),
        has_progressed_since_treatment=bool(found.take("progressed", "progression_demonstrated", default=False)),
        slice_count=found.take("slices", "n_slices"),
    )


def run_selection(body: Fields) -> Mapping[str, Any]:
    """Run a vector about a choice of targets."""
    targets = [
        TargetCandidate(str(part.take("organ", default="")), _candidate(part)) for part in _input(body).parts("targets")
    ]
    return {"result": sorted(str(error) for error in check_selection(targets))}


def run_mixed(body: Fields) -> Mapping[str, Any]:
    """Run a vector about a tumour with two components."""
    found = _input(body)
    return {"result": str(join_components(Response(found.need("ce")), Response(found.need("non_ce"))).response)}


def run_lugano_pet(body: Fields) -> Mapping[str, Any]:
    """Run a vector about a Deauville score."""
    found = _input(body)
    trend = found.take("trend")
    trends = {str(member): member for member in UptakeTrend}
    verdict = assess_lugano_pet(
        LymphomaUptake(
            uptake=found.take("uptake"),
            mediastinum=found.take("mbp"),
            liver=found.take("liver"),
            trend=None if trend is None else word(trend, trends, "trend"),
            has_new_lesion=bool(found.take("new_lesion", "new_lesions", "new_foci", default=False)),
        ),
        CriteriaConfiguration(),
    )
    return {"result": {"score": verdict.score, "response": str(verdict.response)}}


def run_nodule(body: Fields) -> Mapping[str, Any]:
    """Run a vector about the growth of a lung nodule."""
    found = _input(body)
    days = int(found.need("days"))
    if found.take("d1_mm") is not None:
        growth = nodule_growth_from_diameters(found.need("d1_mm"), found.need("d2_mm"), days=days)
    else:
        growth = nodule_growth_from_volumes(found.need("v1_mm3"), found.need("v2_mm3"), days=days)
    return {"result": _written_growth(growth)}


def _written_growth(growth: NoduleGrowth) -> Mapping[str, Any]:
    return {
        "vdt_days": growth.doubling_time_days,
        "volume_change_pct": growth.volume_change_percent,
        "nelson": str(growth.pace),
        "lungrads2022_growth": growth.is_lung_rads_growth,
        "fleischner_growth": growth.is_fleischner_growth,
    }


def run_repeatability(body: Fields) -> Mapping[str, Any]:
    """Run a vector about a change and a limit."""
    found = _input(body)
    return {"result": is_within_percent(found.need("old"), found.need("new"), found.need("limit_pct"))}


def run_geometry(body: Fields) -> Mapping[str, Any]:
    """Run a vector about volumes, diameters and what one change means in another measure."""
    found = _input(body)
    operations: dict[str, Callable[[Fields], Mapping[str, Any]]] = {
        "voxel_volume": _voxel_volume,
        "ld_perp": _flat_diameters,
        "recist_equiv": _equivalent_changes,
    }
    operation = found.need("op")
    if operation not in operations:
        raise VectorFieldError(f"op is {operation!r}; known are {', '.join(operations)}.")
    return {"result": operations[operation](found)}


def _voxel_volume(found: Fields) -> Mapping[str, Any]:
    row, column = (float(spacing) for spacing in found.need("pixel_spacing_mm"))
    spacing = (float(found.need("slice_spacing_mm")), row, column)
    geometry = VolumeGeometry((1, 1, 1), spacing, (0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0))
    return {"volume_ml": compute_volume_ml(int(found.need("voxels")), geometry)}


def _flat_diameters(found: Fields) -> Mapping[str, Any]:
    points = [[float(value) for value in point] for point in found.need("points_mm")]
    shape = measure_polygon(points)
    return {"ld_mm": shape.longest_mm, "perp_mm": shape.perpendicular_mm, "product_mm2": shape.product_mm2}


def _equivalent_changes(found: Fields) -> Mapping[str, Any]:
    changes = compare_measures(found.need("diameter_factor"))
    return {"area_pct": round(changes.area_pct, 1), "volume_pct": round(changes.volume_pct, 1)}


def _input(body: Fields) -> Fields:
    body.part("config")
    return body.part("input")


TABLE_RUNNERS: dict[str, Callable[[Fields], Mapping[str, Any]]] = {
    "MEASURABILITY": run_measurability,
    "SELECTION": run_selection,
    "RANO_MIXED": run_mixed,
    "LUGANO_PET": run_lugano_pet,
    "NODULE": run_nodule,
    "REPEATABILITY": run_repeatability,
    "GEOMETRY": run_geometry,
}

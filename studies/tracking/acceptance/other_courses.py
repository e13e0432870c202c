"""Vectors of brain tumours, PET and lymphoma: read into domain types, judged, and written back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from studies.tracking.acceptance.courses import read_clinical, read_steroid, written
from studies.tracking.acceptance.schema import Fields
from studies.tracking.acceptance.values import TRENDS, new_lesions, read_configuration, word
from studies.tracking.criteria import mrano, rano_2_0, rano_hgg, rano_lgg
from studies.tracking.criteria.brain_inputs import (
    BrainCourse,
    BrainTimepoint,
    MeasurementMode,
    Trend,
    TumourComponent,
)
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.lugano_ct import assess_lugano_ct
from studies.tracking.criteria.lymphoma_inputs import LymphomaTimepoint, NodeDiameters
from studies.tracking.criteria.percist import PetTimepoint, assess_percist
from studies.tracking.criteria.verdict import CourseVerdict

_SPLEEN_WORSE = (True, "worse", "progression", "progressing", "new", "recurrent", "pd", "PD")
_FIXED_NODES = {"absent": (0, 0), "gone": (0, 0), "tstm": (5, 5), "ne": (None, None)}


def brain_runner(
    assess: Callable[[BrainCourse, CriteriaConfiguration], CourseVerdict],
    defaults: CriteriaConfiguration,
    component: TumourComponent = TumourComponent.ENHANCING,
) -> Callable[[Fields], Mapping[str, Any]]:
    """Return what runs a vector of one RANO scheme."""

    def run(body: Fields) -> Mapping[str, Any]:
        config = body.part("config")
        course = BrainCourse(
            timepoints=tuple(_read_brain_timepoint(part) for part in body.parts("timepoints")),
            mode=MeasurementMode(config.take("mode", default="2D")),
            component=TumourComponent(config.take("component", default=component.value)),
            radiotherapy_end_day=config.take("rt_end_day"),
            new_therapy_day=config.take("new_therapy_day"),
        )
        return written(assess(course, read_configuration(config, defaults)))

    return run


def _read_brain_timepoint(part: Fields) -> BrainTimepoint:
    products = part.take("products_mm2")
    return BrainTimepoint(
        days_from_baseline=int(part.need("day")),
        products_mm2=None if products is None else tuple(products),
        volume_ml=part.take("volume_ml"),
        new_lesions=new_lesions(part.take("new_lesion")),
        non_measurable=_read_trend(part, "nonmeasurable"),
        flair=_read_trend(part, "flair"),
        is_enhancement_new_or_increased=bool(part.take("enhancement_new_or_increased", default=False)),
        is_outside_radiation_field=bool(part.take("outside_radiation_field", "outside_rt_field", default=False)),
        clinical_status=read_clinical(part),
        steroid=read_steroid(part),
    )


def _read_trend(part: Fields, name: str) -> Trend | None:
    value = part.take(name)
    return None if value is None else word(value, TRENDS, name)


def run_percist(body: Fields) -> Mapping[str, Any]:
    """Run a vector of PERCIST."""
    body.part("config")
    timepoints = tuple(_read_pet(part) for part in body.parts("timepoints"))
    result = dict(written(assess_percist(timepoints)))
    for row, timepoint in zip(result["timepoints"], timepoints, strict=True):
        row["threshold"], row["measurable"] = timepoint.measurable_threshold, timepoint.is_measurable
    return result


def _read_pet(part: Fields) -> PetTimepoint:
    is_liver_usable = not part.take("liver_diseased", default=False)
    liver = (part.take("liver_mean"), part.take("liver_sd"))
    return PetTimepoint(
        days_from_baseline=int(part.need("day")),
        sul_peaks=tuple(part.take("sulpeak", default=()) or ()),
        liver_mean=liver[0] if is_liver_usable else None,
        liver_sd=liver[1] if is_liver_usable else None,
        blood_mean=part.take("blood_mean"),
        blood_sd=part.take("blood_sd"),
        total_lesion_glycolysis=part.take("tlg"),
        uptake_minutes=part.take("uptake_min", "uptake_minutes"),
        are_all_resolved=bool(part.take("all_resolved", default=False)),
        new_lesion_ids=tuple(lesion.lesion_id for lesion in new_lesions(part.take("new_lesion"))),
    )


def run_lugano_ct(body: Fields) -> Mapping[str, Any]:
    """Run a vector of the CT arm of Lugano."""
    configuration = read_configuration(body.part("config"), CriteriaConfiguration())
    timepoints = tuple(_read_lymphoma(part) for part in body.parts("timepoints"))
    return written(assess_lugano_ct(timepoints, configuration))


def _read_lymphoma(part: Fields) -> LymphomaTimepoint:
    nodes = part.part("nodes")
    return LymphomaTimepoint(
        days_from_baseline=int(part.need("day")),
        nodes=tuple(_read_node(name, nodes.take(name)) for name in nodes.values),
        new_lesion_ids=tuple(lesion.lesion_id for lesion in new_lesions(part.take("new_lesion"))),
        is_spleen_progressing=part.take("spleen") in _SPLEEN_WORSE,
    )


def _read_node(node_id: str, value: Any) -> NodeDiameters:
    state = value.get("state") if isinstance(value, Mapping) else value
    longest, short = _FIXED_NODES[state] if isinstance(state, str) else value
    return NodeDiameters(node_id, _number(longest), _number(short))


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


OTHER_COURSE_RUNNERS: dict[str, Callable[[Fields], Mapping[str, Any]]] = {
    "RANO_2_0": brain_runner(rano_2_0.assess_rano_2_0, rano_2_0.DEFAULTS),
    "MRANO": brain_runner(mrano.assess_mrano, mrano.DEFAULTS),
    "RANO_HGG": brain_runner(rano_hgg.assess_rano_hgg, rano_hgg.DEFAULTS),
    "RANO_LGG": brain_runner(rano_lgg.assess_rano_lgg, rano_lgg.DEFAULTS, TumourComponent.NON_ENHANCING),
    "PERCIST": run_percist,
    "LUGANO_CT": run_lugano_ct,
}

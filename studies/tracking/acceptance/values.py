"""Words and numbers of the vectors as the values of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from studies.tracking.acceptance.schema import Fields, VectorFieldError
from studies.tracking.criteria.brain_inputs import Trend
from studies.tracking.criteria.configuration import (
    ConfirmationRule,
    CriteriaConfiguration,
    NonTargetReappearance,
    ProgressionConfirmation,
    ResponsePersistence,
)
from studies.tracking.criteria.inputs import Certainty, ClinicalStatus, NewLesion, NonTargetState, TargetState

Word = TypeVar("Word", bound=StrEnum)

TARGET_STATES = {
    "measured": TargetState.MEASURED,
    "absent": TargetState.ABSENT,
    "tstm": TargetState.TOO_SMALL_TO_MEASURE,
    "merged": TargetState.MERGED,
    "ne": TargetState.NOT_EVALUABLE,
}
NON_TARGET_STATES = {
    "present": NonTargetState.PRESENT,
    "absent": NonTargetState.ABSENT,
    "unequivocal_pd": NonTargetState.UNEQUIVOCAL_PROGRESSION,
    "ne": NonTargetState.NOT_EVALUABLE,
}
CLINICAL = {
    "improved": ClinicalStatus.IMPROVED,
    "better": ClinicalStatus.IMPROVED,
    "stable": ClinicalStatus.STABLE,
    "worse": ClinicalStatus.WORSE_FROM_TUMOUR,
    "worse_other": ClinicalStatus.WORSE_FROM_OTHER_CAUSE,
    "worse_other_cause": ClinicalStatus.WORSE_FROM_OTHER_CAUSE,
    "worse_not_attributable": ClinicalStatus.WORSE_FROM_OTHER_CAUSE,
}
TRENDS = {
    "absent": Trend.ABSENT,
    "gone": Trend.ABSENT,
    "resolved": Trend.ABSENT,
    "none": Trend.ABSENT,
    "better": Trend.BETTER,
    "improved": Trend.BETTER,
    "stable": Trend.STABLE,
    "present": Trend.STABLE,
    "worse": Trend.WORSE,
    "ne": Trend.NOT_EVALUABLE,
}
_CONFIGURATION_WORDS: dict[str, type[StrEnum]] = {
    "pr_persistence": ResponsePersistence,
    "ipr_persistence": ResponsePersistence,
    "nt_reappearance": NonTargetReappearance,
    "confirm_pd": ProgressionConfirmation,
    "confirm_rule": ConfirmationRule,
}
_CONFIGURATION_ALIASES = {
    "antiangiogenic": "is_antiangiogenic",
    "anti_angiogenic": "is_antiangiogenic",
    "immunotherapy": "is_immunotherapy",
}
_NO_LESION = (None, False, "none", "no", "absent")


def word(value: object, words: Mapping[str, Word], name: str) -> Word:
    """Return what a word of the vectors means.

    Raises
    ------
    VectorFieldError
        If the word is not known: it is never taken for something else.
    """
    if not isinstance(value, str) or value not in words:
        raise VectorFieldError(f"{name} is {value!r}; known are {', '.join(words)}.")
    return words[value]


def new_lesions(value: object) -> tuple[NewLesion, ...]:
    """Return the one new lesion a vector can name; it keeps its identity over the timepoints."""
    if value in _NO_LESION:
        return ()
    certainties = {"unequivocal": Certainty.UNEQUIVOCAL, "equivocal": Certainty.EQUIVOCAL}
    certainty = Certainty.UNEQUIVOCAL if value is True else word(value, certainties, "new_lesion")
    return (NewLesion("new lesion", certainty=certainty),)


def read_configuration(config: Fields, defaults: CriteriaConfiguration) -> CriteriaConfiguration:
    """Return the defaults of a criterion with what the vector sets."""
    changes: dict[str, Any] = {}
    names = {field.name for field in dataclass_fields(CriteriaConfiguration)} - {"version"}
    for name in (*names, *_CONFIGURATION_ALIASES):
        value = config.take(name)
        if value is None:
            continue
        words = _CONFIGURATION_WORDS.get(name)
        if words is not None:
            value = word(value, {str(member): member for member in words}, name)
        changes[_CONFIGURATION_ALIASES.get(name, name)] = value
    return replace(defaults, **changes)

"""The rows from which the composite table of each RANO scheme is put together.

References: Wen 2023 (RANO 2.0), JCO 41:5187-5199; Wen 2010, JCO 28:1963-1972; specification, section 3.4.
"""

from __future__ import annotations

from studies.tracking.criteria.brain_inputs import Trend, TumourComponent
from studies.tracking.criteria.rano_facts import RanoFacts, flair_worse
from studies.tracking.criteria.rules import Rule, always
from studies.tracking.criteria.verdict import Response

PASSED_ON = "RN.TARGET"  # marks rows that hand on the target response; the verdict shows the target's own clause
_RESPONSES = (Response.CR, Response.PR, Response.MR)

CLINICAL: Rule[RanoFacts] = Rule(
    "RN.CLIN",
    Response.PD,
    lambda f: f.status.is_worse_from_tumour,
    lambda f: "The patient is clinically worse because of the tumour: progression whatever the images show.",
)
TARGET_PROGRESSED: Rule[RanoFacts] = Rule(
    PASSED_ON, Response.PD, lambda f: f.target_response is Response.PD, lambda f: f.target_sentence
)
NEW_LESION: Rule[RanoFacts] = Rule(
    "RN.NEW",
    Response.PD,
    lambda f: bool(f.timepoint.unequivocal_new_ids),
    lambda f: f"New lesion: {', '.join(f.timepoint.unequivocal_new_ids)}.",
)
NON_MEASURABLE: Rule[RanoFacts] = Rule(
    "RN.NM",
    Response.PD,
    lambda f: f.timepoint.non_measurable is Trend.WORSE,
    lambda f: "Non-measurable disease is clearly worse.",
)
FLAIR_UNDER_ANTIANGIOGENIC: Rule[RanoFacts] = Rule(
    "RN.FLAIR",
    Response.PD,
    lambda f: f.configuration.is_antiangiogenic and flair_worse(f),
    lambda f: "T2/FLAIR is clearly worse under anti-angiogenic therapy, where enhancement alone misleads.",
)
FLAIR: Rule[RanoFacts] = Rule("RH.FLAIR", Response.PD, flair_worse, lambda f: "T2/FLAIR is clearly worse.")
ENHANCEMENT: Rule[RanoFacts] = Rule(
    "RL.CE",
    Response.PD,
    lambda f: f.timepoint.is_enhancement_new_or_increased and f.course.component is TumourComponent.NON_ENHANCING,
    lambda f: "New or increased enhancement in a non-enhancing tumour: a sign of malignant change.",
)
NOT_EVALUABLE: Rule[RanoFacts] = Rule(
    PASSED_ON, Response.NE, lambda f: f.target_response is Response.NE, lambda f: f.target_sentence
)
STEROID_INCREASED: Rule[RanoFacts] = Rule(
    "RN.STEROID",
    Response.UNDETERMINED,
    lambda f: f.status.is_dose_increased,
    lambda f: (
        f"Undetermined, because the steroid dose is higher than at baseline ({f.status.said}): neither response, nor "
        "stable disease, nor progression. Observe; date progression here if the dose had to rise because of the tumour."
    ),
)
OTHER_CAUSE: Rule[RanoFacts] = Rule(
    "RN.CLIN",
    Response.SD,
    lambda f: f.status.is_worse_from_other_cause and f.target_response in _RESPONSES,
    lambda f: (
        f"Stable at best, because the patient is clinically worse, though not from the tumour. {f.target_sentence}"
    ),
)
COMPLETE: Rule[RanoFacts] = Rule(
    PASSED_ON,
    Response.CR,
    lambda f: f.target_response is Response.CR and f.status.is_off_steroids and f.is_non_measurable_gone,
    lambda f: f.target_sentence,
)
NOT_COMPLETE: Rule[RanoFacts] = Rule(
    "RN.STEROID",
    Response.PR,
    lambda f: f.target_response is Response.CR and not f.status.is_off_steroids,
    lambda f: f"All measurable disease is gone, but a complete response needs no steroids ({f.status.said}).",
)
REMNANT: Rule[RanoFacts] = Rule(
    "RN.NM",
    Response.PR,
    lambda f: f.target_response is Response.CR,
    lambda f: "All measurable disease is gone, but non-measurable disease remains or was not evaluated.",
)
PARTIAL: Rule[RanoFacts] = Rule(
    PASSED_ON, Response.PR, lambda f: f.target_response is Response.PR, lambda f: f.target_sentence
)
MINOR: Rule[RanoFacts] = Rule(
    PASSED_ON, Response.MR, lambda f: f.target_response is Response.MR, lambda f: f.target_sentence
)
STABLE: Rule[RanoFacts] = Rule(PASSED_ON, Response.SD, always, lambda f: f.target_sentence)

WITHOUT_PROGRESSION = (
    NOT_EVALUABLE,
    STEROID_INCREASED,
    OTHER_CAUSE,
    COMPLETE,
    NOT_COMPLETE,
    REMNANT,
    PARTIAL,
    MINOR,
    STABLE,
)
COMMON_CONFIGURATION = ("confirm_pd", "min_confirm_days", "confirm_tolerance_days")

"""RANO 2.0: gliomas, by products or by volume.

The overall response, in this order:

1. RN.CLIN: clinical deterioration caused by the tumour is progression.
2. RN.2D, RN.3D, RN.ZERO: so is progression of the measured component.
3. RN.NEW: so is a new lesion.
4. RN.NM: so is clearly worse non-measurable disease.
5. RN.FLAIR: so is worse T2/FLAIR, but only under anti-angiogenic therapy; otherwise it does not count.
6. RL.CE: so is new or increased enhancement of a non-enhancing tumour.
   Steps 2 to 6 are preliminary within 12 weeks after radiotherapy (RN.PPD, RN.WINDOW) until a scan at least 28 days
   later shows the same growth again; if that scan shows no progression, the first was pseudoprogression (RN.PSEUDO).
7. RN.NE: a scan without a measurement is not evaluable.
8. RN.STEROID: a higher steroid dose than at baseline leaves it undetermined.
9. RN.CLIN: a patient who is worse from another cause cannot have a response: stable disease.
10. RN.STEROID, RN.NM: a complete response needs no steroids and no non-measurable disease, else it is partial.
11. RN.2D, RN.3D, RN.MR: otherwise the response of the measured component.

References: Wen 2023, JCO 41:5187-5199.
"""

from __future__ import annotations

from studies.tracking.criteria import rano_composite as rows
from studies.tracking.criteria.brain_inputs import BrainCourse
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.rano_engine import RanoScheme, follow_brain_course
from studies.tracking.criteria.verdict import CourseVerdict, Criterion

DEFAULTS = CriteriaConfiguration()

RANO_2_0 = RanoScheme(
    criterion=Criterion.RANO_2_0,
    composite_rules=(
        rows.CLINICAL,
        rows.TARGET_PROGRESSED,
        rows.NEW_LESION,
        rows.NON_MEASURABLE,
        rows.FLAIR_UNDER_ANTIANGIOGENIC,
        rows.ENHANCEMENT,
        *rows.WITHOUT_PROGRESSION,
    ),
    configuration_names=(
        *rows.COMMON_CONFIGURATION,
        "confirm_rule",
        "radiotherapy_window_days",
        "is_antiangiogenic",
    ),
)


def assess_rano_2_0(course: BrainCourse, configuration: CriteriaConfiguration = DEFAULTS) -> CourseVerdict:
    """Judge a course by RANO 2.0."""
    return follow_brain_course(course, RANO_2_0, configuration)

"""RANO-HGG 2010: high-grade glioma; a significant increase in T2/FLAIR is progression.

The overall response, in this order:

1. RN.CLIN: clinical deterioration caused by the tumour is progression.
2. RN.2D, RN.3D, RN.ZERO, RN.NEW, RN.NM: so is progression of enhancing disease, a new lesion, or clearly worse
   non-measurable disease.
3. RH.FLAIR: so is a significant increase in T2/FLAIR.
   Within 12 weeks after radiotherapy all of this is preliminary, unless the reader recorded new enhancement outside the
   radiation field.
4. RN.NE, RN.STEROID, RN.CLIN and the measured component as in RANO 2.0.

References: Wen 2010, JCO 28:1963-1972.
"""

from __future__ import annotations

from studies.tracking.criteria import rano_composite as rows
from studies.tracking.criteria.brain_inputs import BrainCourse
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.rano_engine import RanoScheme, follow_brain_course
from studies.tracking.criteria.verdict import CourseVerdict, Criterion

DEFAULTS = CriteriaConfiguration()

RANO_HGG = RanoScheme(
    criterion=Criterion.RANO_HGG,
    composite_rules=(
        rows.CLINICAL,
        rows.TARGET_PROGRESSED,
        rows.NEW_LESION,
        rows.NON_MEASURABLE,
        rows.FLAIR,
        *rows.WITHOUT_PROGRESSION,
    ),
    configuration_names=(*rows.COMMON_CONFIGURATION, "confirm_rule", "radiotherapy_window_days"),
)


def assess_rano_hgg(course: BrainCourse, configuration: CriteriaConfiguration = DEFAULTS) -> CourseVerdict:
    """Judge a course by RANO-HGG 2010."""
    return follow_brain_course(course, RANO_HGG, configuration)

"""RANO-LGG: low-grade glioma, measured on T2/FLAIR, with a minor response.

The overall response, in this order:

1. RN.CLIN: clinical deterioration caused by the tumour is progression.
2. RN.2D, RN.3D, RN.ZERO, RN.NEW, RN.NM: so is progression of the T2/FLAIR lesion, a new lesion, or clearly worse
   non-measurable disease.
3. RL.CE: so is new or increased enhancement, a sign of malignant change.
4. RN.NE, RN.STEROID, RN.CLIN as in RANO 2.0.
5. RN.2D, RN.3D, RL.MR: otherwise the response of the lesion: at least 25 % (volume 40 %) below baseline is minor.

References: van den Bent 2011, Lancet Oncol 12:583-593.
"""

from __future__ import annotations

from studies.tracking.criteria import rano_composite as rows
from studies.tracking.criteria.brain_inputs import BrainCourse
from studies.tracking.criteria.configuration import CriteriaConfiguration, ProgressionConfirmation
from studies.tracking.criteria.rano_engine import RanoScheme, follow_brain_course
from studies.tracking.criteria.verdict import CourseVerdict, Criterion

DEFAULTS = CriteriaConfiguration(confirm_pd=ProgressionConfirmation.NEVER)

RANO_LGG = RanoScheme(
    criterion=Criterion.RANO_LGG,
    composite_rules=(
        rows.CLINICAL,
        rows.TARGET_PROGRESSED,
        rows.NEW_LESION,
        rows.NON_MEASURABLE,
        rows.ENHANCEMENT,
        *rows.WITHOUT_PROGRESSION,
    ),
    configuration_names=rows.COMMON_CONFIGURATION,
    minor_rule_id="RL.MR",
)


def assess_rano_lgg(course: BrainCourse, configuration: CriteriaConfiguration = DEFAULTS) -> CourseVerdict:
    """Judge a course of T2/FLAIR measurements by RANO-LGG."""
    return follow_brain_course(course, RANO_LGG, configuration)

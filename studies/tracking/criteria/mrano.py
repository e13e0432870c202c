"""Modified RANO: every radiographic progression is preliminary until a second scan confirms it.

The overall response, in this order:

1. RN.CLIN: clinical deterioration caused by the tumour is progression.
2. RN.2D, RN.3D, RN.NEW, RN.NM: progression of the measured component, a new lesion or worse non-measurable disease is
   preliminary.
3. MRANO.CONF: a scan at least 28 days later confirms it if it shows the same growth again over the *preliminary* scan
   (or, by configuration, if it still is progression against the nadir); progression is dated to the preliminary scan.
4. MRANO.CONF, RN.PSEUDO: otherwise the first scan was pseudoprogression.
5. RN.NE, RN.STEROID and the measured component as in RANO 2.0; T2/FLAIR does not count.

References: Ellingson 2017, Neurotherapeutics 14:307-320.
"""

from __future__ import annotations

from studies.tracking.criteria import rano_composite as rows
from studies.tracking.criteria.brain_inputs import BrainCourse
from studies.tracking.criteria.configuration import CriteriaConfiguration, ProgressionConfirmation
from studies.tracking.criteria.rano_engine import RanoScheme, follow_brain_course
from studies.tracking.criteria.verdict import CourseVerdict, Criterion

DEFAULTS = CriteriaConfiguration(confirm_pd=ProgressionConfirmation.ALWAYS)

MRANO = RanoScheme(
    criterion=Criterion.MRANO,
    composite_rules=(
        rows.CLINICAL,
        rows.TARGET_PROGRESSED,
        rows.NEW_LESION,
        rows.NON_MEASURABLE,
        *rows.WITHOUT_PROGRESSION,
    ),
    configuration_names=(*rows.COMMON_CONFIGURATION, "confirm_rule"),
    is_stable_second_scan_pseudoprogression=True,
)


def assess_mrano(course: BrainCourse, configuration: CriteriaConfiguration = DEFAULTS) -> CourseVerdict:
    """Judge a course by modified RANO; the default confirms every progression."""
    return follow_brain_course(course, MRANO, configuration)

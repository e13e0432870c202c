"""Non-targets that grew as a target's progression would ask for: no rule judges them, so a reader has to.

RECIST leaves the progression of non-targets to the reader ("unequivocal"). The yardstick that the EORTC gives for
disease that is not measured, 73 % of volume, is 20 % of diameter (R11.NT.RANK); nothing is decided by it here.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from studies.tracking.criteria.exact import is_at_least, percent_change, plain
from studies.tracking.criteria.inputs import LesionKind, LesionRole
from studies.tracking.followed import FollowedLesion, FollowedObservation, FollowedPatient

_SHARE = Fraction(12, 10)
_GROWTH_MM = Decimal(5)


def ask_about_non_targets(patient: FollowedPatient) -> tuple[str, ...]:
    """Return a question for each non-target that grew by 20 % and 5 mm from its smallest and that nobody looked at."""
    questions = []
    latest = patient.timepoints[-1]
    for lesion in patient.in_role(LesionRole.NON_TARGET):
        now = latest.observation_of(lesion.name)
        length = _length(lesion, now)
        earlier = [_length(lesion, each.observation_of(lesion.name)) for each in patient.timepoints[:-1]]
        known = [each for each in earlier if each is not None]
        if length is None or not known or now.is_confirmed or now.is_unequivocal_progression:
            continue
        smallest = min(known)
        if is_at_least(length, _SHARE, smallest) and length - smallest >= _GROWTH_MM:
            questions.append(
                f"{lesion.name}, a non-target, grew from {plain(smallest)} to {plain(length)} mm "
                f"({percent_change(length, smallest)}). Is that unequivocal progression? Confirm or say so."
            )
    return tuple(questions)


def _length(lesion: FollowedLesion, seen: FollowedObservation) -> Decimal | None:
    lengths = [
        part.perpendicular_diameter_mm if lesion.kind is LesionKind.NODE else part.longest_diameter_mm
        for part in seen.parts
    ]
    return max(lengths, default=None)

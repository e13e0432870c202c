"""Non-target lesions: judged by eye, together.

References: RECIST 1.1, section 4.3.3 (Eisenhauer 2009, EJC 45:228-247).
"""

from __future__ import annotations

from dataclasses import dataclass

from studies.tracking.criteria.errors import UnknownLesionError
from studies.tracking.criteria.inputs import NonTargetObservation, NonTargetState, Timepoint
from studies.tracking.criteria.rules import Rule, always
from studies.tracking.criteria.sum_of_diameters import NORMAL_NODE_MM
from studies.tracking.criteria.verdict import Response


@dataclass(frozen=True, slots=True)
class NonTargetFacts:
    """What a rule about non-targets may ask for: those of the baseline, as they are seen now."""

    baseline_ids: tuple[str, ...]
    seen: tuple[NonTargetObservation, ...]
    is_marker_elevated: bool | None
    was_marker_elevated: bool | None

    @property
    def progressed_ids(self) -> tuple[str, ...]:
        return tuple(o.lesion_id for o in self.seen if o.state is NonTargetState.UNEQUIVOCAL_PROGRESSION)

    @property
    def missing_ids(self) -> tuple[str, ...]:
        evaluated = {o.lesion_id for o in self.seen if o.state is not NonTargetState.NOT_EVALUABLE}
        return tuple(lesion_id for lesion_id in self.baseline_ids if lesion_id not in evaluated)

    @property
    def remaining_ids(self) -> tuple[str, ...]:
        """Those that still count as disease: a measured node at 10 mm or more, anything else that is present."""
        return tuple(o.lesion_id for o in self.seen if _is_disease(o))

    @property
    def is_marker_normal(self) -> bool:
        """Whether the tumour marker allows a complete response; one that was elevated must be seen to be normal."""
        return self.is_marker_elevated is False or (self.is_marker_elevated is None and not self.was_marker_elevated)


def _is_disease(observation: NonTargetObservation) -> bool:
    if observation.state in (NonTargetState.ABSENT, NonTargetState.NOT_EVALUABLE):
        return False
    return observation.short_axis_mm is None or observation.short_axis_mm >= NORMAL_NODE_MM


def gather_non_targets(timepoint: Timepoint, baseline: Timepoint) -> NonTargetFacts:
    """Return the facts about non-targets.

    Raises
    ------
    UnknownLesionError
        If a non-target is seen that was not there at baseline: it is a new lesion.
    """
    known = tuple(o.lesion_id for o in baseline.non_targets)
    if strangers := sorted({o.lesion_id for o in timepoint.non_targets} - set(known)):
        raise UnknownLesionError(
            f"Day {timepoint.days_from_baseline} has the non-target {', '.join(strangers)}, which was not there at "
            "baseline. Record it as a new lesion."
        )
    return NonTargetFacts(
        baseline_ids=known,
        seen=timepoint.non_targets,
        is_marker_elevated=timepoint.is_tumour_marker_elevated,
        was_marker_elevated=baseline.is_tumour_marker_elevated,
    )


NON_TARGET_RULES: tuple[Rule[NonTargetFacts], ...] = (
    Rule(
        "R11.O.TABLE1",
        Response.NA,
        lambda f: not f.baseline_ids,
        lambda f: "There were no non-target lesions at baseline.",
    ),
    Rule(
        "R11.NT.RANK",
        Response.PD,
        lambda f: bool(f.progressed_ids),
        lambda f: f"Unequivocal progression of non-target {', '.join(f.progressed_ids)}.",
    ),
    Rule(
        "R11.NT.RANK",
        Response.NE,
        lambda f: bool(f.missing_ids),
        lambda f: f"Not all non-targets were evaluated: {', '.join(f.missing_ids)} missing.",
    ),
    Rule(
        "R11.NT.NODE",
        Response.NON_CR_NON_PD,
        lambda f: bool(f.remaining_ids),
        lambda f: f"Non-target {', '.join(f.remaining_ids)} persists without unequivocal growth (a node from 10 mm).",
    ),
    Rule(
        "R11.NT.MARKER",
        Response.NON_CR_NON_PD,
        lambda f: not f.is_marker_normal,
        lambda f: "All non-targets are gone, but the tumour marker is not known to be normal.",
    ),
    Rule(
        "R11.NT.NODE",
        Response.CR,
        always,
        lambda f: "All non-targets are gone, their nodes are below 10 mm, and no tumour marker is elevated.",
    ),
)

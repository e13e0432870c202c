"""What a reader should know beside the verdict, and what a reader must look at before it is used."""

from __future__ import annotations

from decimal import Decimal

from studies.tracking.criteria.exact import plain
from studies.tracking.criteria.inputs import Certainty, LesionKind, TargetState, Timepoint
from studies.tracking.criteria.sum_of_diameters import CountedTarget, TargetFacts

_SUSPICIOUS_FACTOR = 9  # a value typed in cm instead of mm is off by ten; real change may hide a little of it


def collect_warnings(facts: TargetFacts, timepoint: Timepoint) -> tuple[str, ...]:
    """Return the warnings of one timepoint."""
    found = [*_near_misses(facts), *_states(facts), *_composition(facts), *_unit_suspicions(facts)]
    found += [
        f"New node {lesion.lesion_id} measures {plain(lesion.diameter_mm)} mm: below 10 mm it is no new lesion yet."
        for lesion in timepoint.new_lesions
        if lesion.kind is LesionKind.NODE and lesion.diameter_mm is not None and lesion.diameter_mm < 10
    ]
    return tuple(found)


def collect_review_flags(
    facts: TargetFacts, timepoint: Timepoint, reappeared_non_target_ids: tuple[str, ...]
) -> tuple[str, ...]:
    """Return what a named reader must decide on."""
    flags = []
    if reappeared := (*facts.reappeared_ids, *reappeared_non_target_ids):
        flags.append(
            f"{', '.join(reappeared)} is seen again after a complete response (R11.O.REAPPEAR): "
            "for an isolated small node re-image before calling progression."
        )
    if equivocal := [n.lesion_id for n in timepoint.new_lesions if n.certainty is Certainty.EQUIVOCAL]:
        flags.append(
            f"Possible new lesion {', '.join(equivocal)} (R11.O.NEWEQ): no progression now; "
            "if it is proven later, progression is dated to this scan."
        )
    if merged := [c.target.lesion_id for c in facts.now.counted if c.state is TargetState.MERGED]:
        flags.append(f"{', '.join(merged)} has merged with a partner, which carries the common diameter (R11.M.MERGE).")
    return tuple(flags)


def _near_misses(facts: TargetFacts) -> list[str]:
    """Say when one half of the progression rule is met and the other is not (R11.T.PD5)."""
    if facts.is_relative_growth_reached == facts.is_absolute_growth_reached or not facts.now.is_complete:
        return []
    if facts.limits.sum_growth_mm is None and facts.limits.lesion_growth_mm is None:
        return []
    if facts.is_relative_growth_reached:
        return [f"The relative limit of progression is reached, not the absolute one (+{plain(facts.growth_mm)} mm)."]
    return []


def _states(facts: TargetFacts) -> list[str]:
    small = [c.target.lesion_id for c in facts.now.counted if c.state is TargetState.TOO_SMALL_TO_MEASURE]
    return [f"{', '.join(small)} is too small to measure and counts with the default value."] if small else []


def _composition(facts: TargetFacts) -> list[str]:
    """Say when nodes that count as normal carry part of a sum that decides (open point 4)."""
    normal = [c for c in facts.now.counted if c.target.kind is LesionKind.NODE and c.is_gone and c.value_mm]
    if not normal or facts.are_all_gone:
        return []
    share = ", ".join(f"{c.target.lesion_id} {plain(c.value_mm or Decimal(0))} mm" for c in normal)
    return [f"The sum contains nodes that count as normal (below 10 mm): {share}."]


def _unit_suspicions(facts: TargetFacts) -> list[str]:
    pairs = zip(facts.now.counted, facts.nadir.counted, strict=True)
    return [
        f"{now.target.lesion_id} changed from {plain(before.value_mm)} to {plain(now.value_mm)} mm: is one in cm?"
        for now, before in pairs
        if now.value_mm and before.value_mm and _is_suspicious(now, before)
    ]


def _is_suspicious(now: CountedTarget, before: CountedTarget) -> bool:
    small, large = sorted((now.value_mm or Decimal(0), before.value_mm or Decimal(0)))
    return now.state is TargetState.MEASURED and large >= _SUSPICIOUS_FACTOR * small

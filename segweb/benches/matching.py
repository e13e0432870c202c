"""Lesion identity on simulated patients with known truth: how many lesions are matched, which errors slip through."""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from studies.tracking.matching import ASK_BELOW, LinkKind, Proposal, propose_matches
from studies.tracking.simulation import CohortSettings, SimulatedLesion, simulate_patient

DESCRIPTION = "share of lesions matched on simulated patients of 2 to 8 dates with known truth"
TARGET_SHARE = 0.95
COHORTS = {
    "calm": CohortSettings(),
    "many lesions": CohortSettings(lesion_count=16, pair_count=2),
    "poor registration": CohortSettings(registration_sd_mm=2.5, shift_sd_mm=1.5),
    "fast growth": CohortSettings(growth_sd=1.0),
    "lively": CohortSettings(lesion_count=10, pair_count=3, flip=0.6, vanish=0.15, unmark=0.08, appear=0.9),
}


@dataclass(slots=True)
class Tally:
    """Counts over one cohort; each lesion of either date counts once."""

    lesions: int = 0
    right: int = 0
    asked: int = 0
    silent_errors: int = 0
    truth: Counter[str] = field(default_factory=Counter)
    right_by_kind: Counter[str] = field(default_factory=Counter)
    step_ms: list[float] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the size of each cohort."""
    parser.add_argument("--patients", type=int, default=40, help="of each cohort")
    parser.add_argument("--seed", type=int, default=7)


def run(options: argparse.Namespace) -> dict[str, object]:
    """Match every date of every patient with what was last seen before it."""
    cohorts = {}
    for number, (name, settings) in enumerate(COHORTS.items()):
        tally = Tally()
        for patient in range(options.patients):
            random = np.random.default_rng([options.seed, number, patient])
            match_patient(simulate_patient(random, 2 + patient % 7, settings), tally)
        cohorts[name] = _figures(tally)
    return {"target_share": TARGET_SHARE, "ask_below": ASK_BELOW, "seed": options.seed, "cohorts": cohorts}


def match_patient(dates: tuple[tuple[SimulatedLesion, ...], ...], tally: Tally) -> None:
    """Match each date with the lesions as last seen, as after a person's confirmation of the truth."""
    last_seen: list[SimulatedLesion] = list(dates[0])
    for lesions in dates[1:]:
        started = time.perf_counter()
        proposals = propose_matches([each.placed for each in last_seen], [each.placed for each in lesions])
        tally.step_ms.append((time.perf_counter() - started) * 1000)
        _count(proposals, last_seen, list(lesions), tally)
        seen = frozenset().union(*(each.atoms for each in lesions))
        last_seen = [*lesions, *(_as_earlier(each) for each in last_seen if not each.atoms & seen)]


def _as_earlier(lesion: SimulatedLesion) -> SimulatedLesion:
    """Return a lesion that was not seen on the latest date."""
    return replace(lesion, placed=replace(lesion.placed, is_recent=False))


def _count(
    proposals: tuple[Proposal, ...], priors: list[SimulatedLesion], currents: list[SimulatedLesion], tally: Tally
) -> None:
    atoms = {each.placed.key: each.atoms for each in [*priors, *currents]}
    truth = true_links(priors, currents)
    for proposal in proposals:
        reading = proposal.reading
        members = [*((0, key) for key in reading.priors), *((1, key) for key in reading.currents)]
        proposed = frozenset((a, b) for a in reading.priors for b in reading.currents)
        for side, key in members:
            true = frozenset(link for link in truth if link[side] == key)
            true_group = frozenset(link for link in truth if {link[0], link[1]} & {k for pair in true for k in pair})
            is_right = (true_group == proposed) if true else not proposed
            kind = _kind_of(true_group, side)
            tally.lesions += 1
            tally.right += is_right
            tally.asked += proposal.must_ask
            tally.silent_errors += not is_right and not proposal.must_ask
            tally.truth[kind] += 1
            tally.right_by_kind[kind] += is_right
    if len(atoms) != len(priors) + len(currents):
        raise ValueError("Keys repeat.")


def true_links(priors: list[SimulatedLesion], currents: list[SimulatedLesion]) -> frozenset[tuple[str, str]]:
    """Return the pairs that share an atom."""
    return frozenset(
        (prior.placed.key, current.placed.key)
        for prior in priors
        for current in currents
        if prior.atoms & current.atoms
    )


def _kind_of(group: frozenset[tuple[str, str]], side: int) -> str:
    if not group:
        return LinkKind.NEW if side else LinkKind.VANISHED
    priors, currents = {a for a, _ in group}, {b for _, b in group}
    if len(priors) > 1 and len(currents) > 1:
        return "merged and split"
    return LinkKind.MERGED if len(priors) > 1 else LinkKind.SPLIT if len(currents) > 1 else LinkKind.SAME


def _figures(tally: Tally) -> dict[str, object]:
    return {
        "n_lesions": tally.lesions,
        "n_dates": len(tally.step_ms),
        "matched_share": round(tally.right / tally.lesions, 4),
        "asked_share": round(tally.asked / tally.lesions, 4),
        "errors": tally.lesions - tally.right,
        "errors_not_asked": tally.silent_errors,
        "by_kind": {kind: f"{tally.right_by_kind[kind]} of {count}" for kind, count in sorted(tally.truth.items())},
        "median_ms_per_date": round(statistics.median(tally.step_ms), 1),
        "slowest_ms_per_date": round(max(tally.step_ms), 1),
    }

"""Which lesion of one date is which lesion of the next: proposals for a person to confirm.

Nothing here decides. Each proposal says how sure it is, what would be the next best reading, and what it rests on;
below `ASK_BELOW` it asks. A shift that most lesions share is taken for an error of the registration and taken back
before they are compared. What a person confirmed or refused is kept, and the rest is proposed around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from studies.tracking.assignment import LEFT_OVER, Group, Pair, Scores, Solution, solve
from studies.tracking.drift import find_drift
from studies.tracking.evidence import Evidence, Outline, PlacedLesion, compare, outline_lesion, score_part, score_same

ASK_BELOW = 0.95
REAPPEARED_ASK_BELOW = 0.98
"""For a lesion that was not seen on the date just before: what stands in its place may be another one."""
STRAY_FACTOR = 2.5
"""The registration may be this much worse in places: what vanished and what is new are weighed again with it."""
REGISTRATION_SD_MM = 3.0
"""Where a lesion is expected after registration, one standard deviation; deformation between dates included."""
LOWEST_SCORE = -3.0
"""A pair below this is not worth a second look."""
SURE = 0.999
"""No proposal is surer than this, since the rivals it was weighed against are a model's."""


class LinkKind(StrEnum):
    """What became of a lesion."""

    SAME = "same"
    NEW = "new"
    VANISHED = "vanished"
    MERGED = "merged"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read some lesions: which belong together, and what that means."""

    kind: LinkKind
    priors: tuple[str, ...]
    currents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A reading with what speaks for it.

    Attributes
    ----------
    reading
        Proposed.
    confidence
        0 to 1: the proposal's weight against the best reading without it.
    must_ask
        True where a person has to decide; false for what a person confirmed.
    runner_up
        How the same lesion would be read if the proposal were ruled out; None where there is no other reading.
    evidence
        For each (prior, current) of the reading, in order.
    """

    reading: Reading
    confidence: float
    must_ask: bool
    runner_up: Reading | None
    evidence: tuple[tuple[str, str, Evidence], ...]


def propose_matches(
    priors: Sequence[PlacedLesion],
    currents: Sequence[PlacedLesion],
    *,
    confirmed: Iterable[tuple[str, str]] = (),
    refused: Iterable[tuple[str, str]] = (),
    registration_sd_mm: float = REGISTRATION_SD_MM,
) -> tuple[Proposal, ...]:
    """Propose what became of each prior lesion and where each current one came from.

    Parameters
    ----------
    priors
        Lesions of earlier dates, each as last seen, placed in the common space of the current date.
    currents
        Lesions of the current date.
    confirmed, refused
        (prior, current) pairs that a person linked, or said are not one.
    registration_sd_mm
        Expected error of the registration, mm.

    Returns
    -------
    tuple of Proposal
        Each lesion is in exactly one. Ordered by the first prior, new lesions last.

    Raises
    ------
    ValueError
        Where keys repeat, or a confirmed or refused pair names a lesion that is not there.
    """
    before, after = [outline_lesion(each) for each in priors], [outline_lesion(each) for each in currents]
    places = _places(priors), _places(currents)
    before = _without_drift(before, after)
    forced, ruled_out = _pairs(confirmed, places), _pairs(refused, places)
    if len(places[0]) != len(priors) or len(places[1]) != len(currents):
        raise ValueError("Each lesion needs a key of its own.")
    found = _weigh_pairs(before, after, forced, ruled_out, registration_sd_mm)
    proposals = []
    for prior_part, current_part in _components(len(priors), len(currents), list(found)):
        scores = _scores(found, prior_part, current_part, (before, after), forced, registration_sd_mm)
        solution = solve(scores)
        if solution is None:
            raise ValueError("The confirmed pairs contradict each other: a lesion cannot both merge and split.")
        for group in solution.groups:
            proposals.append(_propose(group, solution, scores, (prior_part, current_part), (before, after), found))
    proposals = _doubt_strays(proposals, (before, after), ruled_out, registration_sd_mm)
    return tuple(sorted(proposals, key=lambda each: _rank(each.reading, places)))


def _without_drift(before: list[Outline], after: list[Outline]) -> list[Outline]:
    """Take back the part of the registration's error that all lesions share."""
    drift = find_drift(before, after)
    if not drift.any():
        return before
    shift = np.eye(4)
    shift[:3, 3] = drift
    return [outline_lesion(replace(each.placed, to_common_mm=shift @ each.placed.to_common_mm)) for each in before]


def _weigh_pairs(
    before: Sequence[Outline],
    after: Sequence[Outline],
    forced: frozenset[Pair],
    ruled_out: frozenset[Pair],
    registration_sd_mm: float,
) -> dict[Pair, Evidence]:
    """Return the evidence on each pair that may be linked; a confirmed one always may."""
    found: dict[Pair, Evidence] = {}
    for a, prior in enumerate(before):
        for b, current in enumerate(after):
            if (a, b) in ruled_out and (a, b) not in forced:
                continue
            evidence = compare(prior, current, registration_sd_mm)
            if evidence is None and (a, b) in forced:
                distance = float(np.linalg.norm(prior.centre_mm - current.centre_mm))
                evidence = Evidence(0.0, 0.0, distance, distance, current.volume_ml / prior.volume_ml)
            if evidence is None:
                continue
            best = max(
                score_same(evidence, prior, current, registration_sd_mm),
                score_part(
                    max(evidence.share_of_prior, evidence.share_of_current), evidence.gap_mm, registration_sd_mm
                ),
            )
            if best >= LOWEST_SCORE or (a, b) in forced:
                found[a, b] = evidence
    return found


def _components(prior_count: int, current_count: int, pairs: list[Pair]) -> list[tuple[list[int], list[int]]]:
    """Split the lesions into sets that no pair joins: each is solved alone."""
    size = prior_count + current_count
    first, second = np.array([a for a, _ in pairs], int), np.array([b + prior_count for _, b in pairs], int)
    graph = coo_array((np.ones(len(pairs)), (first, second)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1] if size else np.zeros(0, int)
    parts = []
    for label in range(int(labels.max(initial=-1)) + 1):
        members = np.flatnonzero(labels == label)
        parts.append(
            (
                [int(each) for each in members if each < prior_count],
                [int(each) - prior_count for each in members if each >= prior_count],
            )
        )
    return parts


def _scores(
    found: dict[Pair, Evidence],
    prior_part: list[int],
    current_part: list[int],
    outlines: tuple[Sequence[Outline], Sequence[Outline]],
    forced: frozenset[Pair],
    registration_sd_mm: float,
) -> Scores:
    same, merge, split = {}, {}, {}
    for i, a in enumerate(prior_part):
        for j, b in enumerate(current_part):
            if (a, b) in found:
                evidence = found[a, b]
                same[i, j] = score_same(evidence, outlines[0][a], outlines[1][b], registration_sd_mm)
                merge[i, j] = score_part(evidence.share_of_prior, evidence.gap_mm, registration_sd_mm)
                split[i, j] = score_part(evidence.share_of_current, evidence.gap_mm, registration_sd_mm)
    kept = frozenset(pair for pair in same if (prior_part[pair[0]], current_part[pair[1]]) in forced)
    return Scores(len(prior_part), len(current_part), same, merge, split, kept)


def _propose(
    group: Group,
    solution: Solution,
    scores: Scores,
    parts: tuple[list[int], list[int]],
    outlines: tuple[Sequence[Outline], Sequence[Outline]],
    found: dict[Pair, Evidence],
) -> Proposal:
    rival = _best_without(group, scores)
    confidence = SURE if rival is None else 1.0 / (1.0 + float(np.exp(rival.score - solution.score)))
    links = [(a, b) for a in group.priors for b in group.currents]
    is_confirmed = bool(links) and all(link in scores.forced for link in links)
    confidence = 1.0 if is_confirmed else min(SURE, confidence)
    return Proposal(
        reading=_name(group, parts, outlines),
        confidence=confidence,
        must_ask=confidence < _needed(group, parts, outlines),
        runner_up=None if rival is None or is_confirmed else _name(_same_lesion(group, rival), parts, outlines),
        evidence=tuple(
            (
                outlines[0][parts[0][a]].placed.key,
                outlines[1][parts[1][b]].placed.key,
                found[parts[0][a], parts[1][b]],
            )
            for a, b in links
        ),
    )


def _needed(
    group: Group, parts: tuple[list[int], list[int]], outlines: tuple[Sequence[Outline], Sequence[Outline]]
) -> float:
    """Return the confidence below which a person has to decide."""
    is_linked = bool(group.priors and group.currents)
    is_recent = all(outlines[0][parts[0][a]].placed.is_recent for a in group.priors)
    return REAPPEARED_ASK_BELOW if is_linked and not is_recent else ASK_BELOW


def _doubt_strays(
    proposals: Sequence[Proposal],
    outlines: tuple[Sequence[Outline], Sequence[Outline]],
    ruled_out: frozenset[Pair],
    registration_sd_mm: float,
) -> list[Proposal]:
    """Weigh each vanished lesion against each new one as if the registration were worse, and ask where that is near.

    A pair that registration has torn too far apart to be compared would otherwise be sure to be two lesions.
    """
    sides = [{each.placed.key: (place, each) for place, each in enumerate(side)} for side in outlines]
    lone = {each.reading: each for each in proposals if not each.evidence}
    for gone in [reading for reading in lone if reading.kind is LinkKind.VANISHED]:
        for new in [reading for reading in lone if reading.kind is LinkKind.NEW]:
            (a, prior), (b, current) = sides[0][gone.priors[0]], sides[1][new.currents[0]]
            evidence = compare(prior, current, STRAY_FACTOR * registration_sd_mm)
            if evidence is None or (a, b) in ruled_out:
                continue
            gain = score_same(evidence, prior, current, STRAY_FACTOR * registration_sd_mm) + 2.0 * LEFT_OVER
            confidence = 1.0 / (1.0 + float(np.exp(gain)))
            same = Reading(LinkKind.SAME, gone.priors, new.currents)
            for reading in (gone, new):
                lone[reading] = _doubted(lone[reading], confidence, same)
    return [lone.get(each.reading, each) for each in proposals]


def _doubted(proposal: Proposal, confidence: float, rival: Reading) -> Proposal:
    if confidence >= proposal.confidence:
        return proposal
    return replace(proposal, confidence=confidence, must_ask=confidence < ASK_BELOW, runner_up=rival)


def _best_without(group: Group, scores: Scores) -> Solution | None:
    """Return the best solution without a group; a lone pair needs no program to say what that is."""
    if not scores.same:
        return None
    if scores.prior_count == scores.current_count == 1 and group.priors and group.currents:
        return None if scores.forced else Solution((Group((), (0,)), Group((0,), ())), -2.0 * LEFT_OVER)
    return solve(scores, forbidden=group)


def _same_lesion(group: Group, solution: Solution) -> Group:
    """Return the group that holds the same lesion in another solution: the current one where there is one."""
    for each in solution.groups:
        if group.currents and group.currents[0] in each.currents:
            return each
        if not group.currents and group.priors[0] in each.priors:
            return each
    raise ValueError("Every solution holds every lesion.")


def _name(
    group: Group, parts: tuple[list[int], list[int]], outlines: tuple[Sequence[Outline], Sequence[Outline]]
) -> Reading:
    priors = tuple(outlines[0][parts[0][a]].placed.key for a in group.priors)
    currents = tuple(outlines[1][parts[1][b]].placed.key for b in group.currents)
    if not priors or not currents:
        return Reading(LinkKind.NEW if currents else LinkKind.VANISHED, priors, currents)
    kind = LinkKind.MERGED if len(priors) > 1 else LinkKind.SPLIT if len(currents) > 1 else LinkKind.SAME
    return Reading(kind, priors, currents)


def _places(lesions: Sequence[PlacedLesion]) -> dict[str, int]:
    return {each.key: place for place, each in enumerate(lesions)}


def _pairs(named: Iterable[tuple[str, str]], places: tuple[dict[str, int], dict[str, int]]) -> frozenset[Pair]:
    pairs = set()
    for prior, current in named:
        if prior not in places[0] or current not in places[1]:
            raise ValueError(f"There is no pair {prior!r} and {current!r} among these lesions.")
        pairs.add((places[0][prior], places[1][current]))
    return frozenset(pairs)


def _rank(reading: Reading, places: tuple[dict[str, int], dict[str, int]]) -> tuple[int, int]:
    return (0, places[0][reading.priors[0]]) if reading.priors else (1, places[1][reading.currents[0]])

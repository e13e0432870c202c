"""Lesion identity: the best set of links is the best of all, and simulated patients keep their lesions."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.label_maps.label_map import LabelMap
from studies.tracking.assignment import LEFT_OVER, Group, Scores, solve
from studies.tracking.components import find_lesions
from studies.tracking.drift import find_drift
from studies.tracking.evidence import PlacedLesion, compare, outline_lesion
from studies.tracking.matching import ASK_BELOW, REAPPEARED_ASK_BELOW, LinkKind, Proposal, propose_matches
from studies.tracking.simulation import CohortSettings, SimulatedLesion, simulate_patient
from tests.studies.tracking.bodies import grid

SHAPE, SPACING_MM = (30, 60, 60), (3.0, 1.5, 1.5)


def place(balls: dict[str, tuple], shift_mm=(0.0, 0.0, 0.0)) -> list[PlacedLesion]:
    """Lesions of balls (x, y, z, radius) in mm; several balls under one name become one lesion where they touch."""
    geometry = grid(SHAPE, SPACING_MM)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    positions = index @ geometry.index_to_patient_mm[:3, :3].T
    to_common = np.eye(4)
    to_common[:3, 3] = shift_mm
    found = []
    for key, (x, y, z, radius) in balls.items():
        inside = ((positions - (x, y, z)) ** 2).sum(axis=-1) <= radius**2
        (lesion,) = find_lesions(LabelMap(inside.astype(np.uint8), geometry))
        found.append(PlacedLesion(key, lesion, geometry, to_common))
    return found


def readings(proposals: tuple[Proposal, ...]) -> list[tuple[LinkKind, tuple[str, ...], tuple[str, ...]]]:
    return [(each.reading.kind, each.reading.priors, each.reading.currents) for each in proposals]


def subsets(items: tuple[int, ...], fewest: int = 0):
    return itertools.chain.from_iterable(itertools.combinations(items, n) for n in range(fewest, len(items) + 1))


def without(items: tuple[int, ...], taken: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(each for each in items if each not in taken)


def every_grouping(priors: tuple[int, ...], currents: tuple[int, ...]):
    """All ways to put lesions into pairs, merges, splits and leftovers, the first prior first."""
    if not priors:
        yield tuple(Group((), (b,)) for b in currents)
        return
    first, rest = priors[:1], priors[1:]
    joined = [(first, chosen) for chosen in subsets(currents)]
    joined += [((*first, *more), (b,)) for more in subsets(rest, 1) for b in currents]
    for members, chosen in joined:
        for others in every_grouping(without(rest, members), without(currents, chosen)):
            yield (Group(members, chosen), *others)


def worth(group: Group, scores: Scores) -> float:
    if not group.priors or not group.currents:
        return -LEFT_OVER
    table = scores.same
    if len(group.priors) > 1:
        table = scores.merge
    if len(group.currents) > 1:
        table = scores.split
    return sum(table.get((a, b), -np.inf) for a in group.priors for b in group.currents)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 10**6))
def test_the_groups_chosen_are_the_best_of_all(prior_count, current_count, seed):
    random = np.random.default_rng(seed)
    pairs = [(a, b) for a in range(prior_count) for b in range(current_count) if random.random() < 0.8]
    tables = [{pair: float(random.normal(0.5, 2.0)) for pair in pairs} for _ in range(3)]
    scores = Scores(prior_count, current_count, *tables)
    options = list(every_grouping(tuple(range(prior_count)), tuple(range(current_count))))
    best = max(options, key=lambda groups: sum(worth(group, scores) for group in groups))
    found = solve(scores)
    assert found is not None
    assert found.score == pytest.approx(sum(worth(group, scores) for group in best), abs=1e-6)
    assert found.groups == tuple(sorted(best))
    for group in found.groups:
        others = [groups for groups in options if group not in groups]
        rival = solve(scores, forbidden=group)
        allowed = max((sum(worth(each, scores) for each in groups) for groups in others), default=-np.inf)
        if np.isfinite(allowed):
            assert rival is not None
            assert rival.score == pytest.approx(allowed, abs=1e-6)
            assert group not in rival.groups


def test_same_new_vanished():
    proposals = propose_matches(
        place({"a": (20, 20, 20, 7), "b": (65, 65, 65, 6)}), place({"p": (21, 20, 20, 8), "q": (60, 20, 20, 6)})
    )
    assert readings(proposals) == [
        (LinkKind.SAME, ("a",), ("p",)),
        (LinkKind.VANISHED, ("b",), ()),
        (LinkKind.NEW, (), ("q",)),
    ]
    ((prior, current, evidence),) = proposals[0].evidence
    assert (prior, current) == ("a", "p")
    assert evidence.share_of_prior > 0.95
    assert evidence.centre_distance_mm == pytest.approx(1.0, abs=0.2)
    assert evidence.volume_ratio == pytest.approx((8 / 7) ** 3, rel=0.05)
    assert not any(each.must_ask for each in proposals)


def test_merge_and_split_are_mirror_images():
    apart = place({"a": (30, 40, 40, 6), "b": (48, 40, 40, 6)})
    together = place({"whole": (39, 40, 40, 17)})
    assert readings(propose_matches(apart, together)) == [(LinkKind.MERGED, ("a", "b"), ("whole",))]
    assert readings(propose_matches(together, apart)) == [(LinkKind.SPLIT, ("whole",), ("a", "b"))]


def test_two_rivals_are_asked_about():
    """One lesion before, two at equal distances after: no reading is sure, and the runner-up names the other."""
    proposals = propose_matches(
        place({"a": (40, 40, 40, 5)}), place({"left": (32, 40, 40, 5), "right": (48, 40, 40, 5)})
    )
    linked = next(each for each in proposals if "a" in each.reading.priors)
    assert linked.must_ask
    assert linked.confidence < ASK_BELOW
    assert linked.runner_up is not None
    assert all(each.must_ask for each in proposals)


def test_what_a_person_said_is_kept():
    before, after = place({"a": (40, 40, 40, 5)}), place({"p": (41, 40, 40, 5), "q": (70, 70, 70, 5)})
    kept = propose_matches(before, after, confirmed=[("a", "q")])
    assert readings(kept) == [(LinkKind.SAME, ("a",), ("q",)), (LinkKind.NEW, (), ("p",))]
    assert (kept[0].confidence, kept[0].must_ask, kept[0].runner_up) == (1.0, False, None)
    refused = propose_matches(before, after, refused=[("a", "p")])
    assert readings(refused) == [
        (LinkKind.VANISHED, ("a",), ()),
        (LinkKind.NEW, (), ("p",)),
        (LinkKind.NEW, (), ("q",)),
    ]
    both = propose_matches(before, after, confirmed=[("a", "p"), ("a", "q")])
    assert readings(both) == [(LinkKind.SPLIT, ("a",), ("p", "q"))]


def test_impossible_words_are_refused():
    lesions = place({"a": (20, 20, 20, 5), "b": (60, 60, 60, 5)})
    with pytest.raises(ValueError, match="no pair"):
        propose_matches(lesions, lesions, confirmed=[("a", "nobody")])
    with pytest.raises(ValueError, match="key of its own"):
        propose_matches([*lesions, lesions[0]], lesions)
    with pytest.raises(ValueError, match="contradict"):
        propose_matches(lesions, lesions, confirmed=[("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")])


def test_nothing_to_compare():
    assert propose_matches([], []) == ()
    assert readings(propose_matches([], place({"p": (40, 40, 40, 5)}))) == [(LinkKind.NEW, (), ("p",))]


def test_segments_are_not_mixed():
    (prior,), (current,) = place({"a": (40, 40, 40, 5)}), place({"p": (40, 40, 40, 5)})
    other = find_lesions(LabelMap(np.full((1, 1, 1), 2, np.uint8), grid((1, 1, 1))))[0]
    assert compare(outline_lesion(prior), outline_lesion(PlacedLesion("p", other, current.geometry)), 3.0) is None


def test_a_shift_that_all_share_is_taken_back():
    balls = {"a": (20, 20, 20, 4), "b": (60, 25, 30, 5), "c": (35, 65, 60, 4), "d": (65, 60, 70, 3.5)}
    before, after = place(balls, shift_mm=(9.0, -7.0, 4.0)), place(balls)
    drift = find_drift([outline_lesion(each) for each in before], [outline_lesion(each) for each in after])
    assert drift == pytest.approx((-9.0, 7.0, -4.0), abs=1e-6)
    proposals = propose_matches(before, after)
    assert readings(proposals) == [(LinkKind.SAME, (key,), (key,)) for key in balls]
    assert not any(each.must_ask for each in proposals)


def test_two_lesions_agree_on_no_shift():
    balls = {"a": (20, 20, 20, 4), "b": (60, 25, 30, 5)}
    outlines = [outline_lesion(each) for each in place(balls)]
    moved = [outline_lesion(each) for each in place(balls, shift_mm=(9.0, -7.0, 4.0))]
    assert not find_drift(outlines, moved).any()


def follow(dates: tuple[tuple[SimulatedLesion, ...], ...]):
    """Each date with what was last seen before it."""
    last_seen = list(dates[0])
    for lesions in dates[1:]:
        yield last_seen, list(lesions)
        seen = frozenset().union(*(each.atoms for each in lesions))
        last_seen = [*lesions, *(each for each in last_seen if not each.atoms & seen)]


@pytest.mark.parametrize("registration_sd_mm", [1.0, 2.5])
def test_simulated_patients_keep_their_lesions(registration_sd_mm):
    """At least 95 of 100 lesions are matched as they truly are, and hardly an error is made without asking."""
    right = silent = count = 0
    for patient in range(6):
        random = np.random.default_rng([2026, patient])
        dates = simulate_patient(random, 2 + patient, CohortSettings(registration_sd_mm=registration_sd_mm))
        for priors, currents in follow(dates):
            truth = {(a.placed.key, b.placed.key) for a in priors for b in currents if a.atoms & b.atoms}
            for proposal in propose_matches([a.placed for a in priors], [b.placed for b in currents]):
                reading = proposal.reading
                proposed = {(a, b) for a in reading.priors for b in reading.currents}
                true = {link for link in truth if link[0] in reading.priors or link[1] in reading.currents}
                members = len(reading.priors) + len(reading.currents)
                count += members
                right += members * (proposed == true)
                silent += members * (proposed != true and not proposal.must_ask)
    assert count > 200
    assert right / count >= 0.95
    assert silent / count <= 0.01


def test_a_lesion_seen_again_after_a_gap_must_be_surer():
    """The same pairs, seen on the date before or longer ago: equal confidence, another limit."""
    differs = 0
    for distance in np.arange(0.0, 12.0, 1.0):
        current = place({"b": (40 + distance, 45, 45, 5)})
        (recent,) = propose_matches(place({"a": (40, 45, 45, 5)}), current)[:1]
        (late,) = propose_matches([replace(place({"a": (40, 45, 45, 5)})[0], is_recent=False)], current)[:1]
        assert late.confidence == recent.confidence
        assert recent.must_ask == (recent.confidence < ASK_BELOW)
        assert late.must_ask == (late.confidence < REAPPEARED_ASK_BELOW)
        differs += late.must_ask and not recent.must_ask
    assert differs > 0


def test_what_a_bad_registration_may_have_torn_apart_is_asked():
    """25 mm apart, two balls of 4 mm radius are no pair; with 2.5 times the error of 3 mm they may be one."""
    before, near, far = place({"a": (15, 45, 45, 4)}), place({"b": (40, 45, 45, 4)}), place({"b": (75, 45, 45, 4)})
    proposals = propose_matches(before, near)
    assert [each.reading.kind for each in proposals] == [LinkKind.VANISHED, LinkKind.NEW]
    assert all(each.must_ask for each in proposals)
    assert all(each.runner_up is not None and each.runner_up.kind is LinkKind.SAME for each in proposals)
    gain = 2.5 - 25.0**2 / (7.5**2 + 2.0**2) / 2.0 + 1.0
    assert proposals[0].confidence == pytest.approx(1 / (1 + np.exp(gain)), abs=0.02)
    assert not any(each.must_ask for each in propose_matches(before, far))
    assert not any(each.must_ask for each in propose_matches(before, near, refused=[("a", "b")]))

"""The order of a queue, by hand-made queues whose order follows from the rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from inference.queue_order import LATELY, PATIENCE, WaitingJob, WorkedJob, order_queue

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LUNG, BRAIN = UUID(int=1), UUID(int=2)
ANN, BEN, CAT = 1, 2, 3
SECOND = timedelta(seconds=1)


def waits(team: UUID, person: int | None, ago_s: float, *, awaited: bool = True) -> WaitingJob:
    return WaitingJob(uuid4(), team, person, awaited, NOW - ago_s * SECOND)


def works(team: UUID, person: int | None, began_s: float, ended_s: float | None = None) -> WorkedJob:
    return WorkedJob(team, person, NOW - began_s * SECOND, None if ended_s is None else NOW - ended_s * SECOND)


def people(order: list[WaitingJob]) -> list[int | None]:
    return [job.person for job in order]


def test_one_persons_jobs_run_in_the_order_of_asking() -> None:
    jobs = [waits(LUNG, ANN, ago) for ago in (10, 30, 20)]
    assert order_queue(jobs, [], now=NOW) == [jobs[1], jobs[2], jobs[0]]


def test_whoever_waits_goes_before_what_runs_in_advance() -> None:
    early = [waits(LUNG, None, 600 + ago, awaited=False) for ago in range(3)]
    late = waits(BRAIN, ANN, 1)
    assert order_queue([*early, late], [], now=NOW)[0] == late


def test_a_batch_of_one_person_does_not_hold_up_anothers_one() -> None:
    batch = [waits(LUNG, ANN, 500 - place) for place in range(200)]
    one = waits(LUNG, BEN, 1)
    assert order_queue([*batch, one], [], now=NOW).index(one) == 1
    assert order_queue([*batch, one], [works(LUNG, ANN, 5)], now=NOW).index(one) == 0


def test_teams_take_turns_before_people_do() -> None:
    lung = [waits(LUNG, person, 100 - place) for place, person in enumerate([ANN, BEN, ANN, BEN])]
    brain = [waits(BRAIN, CAT, 10 - place) for place in range(2)]
    assert people(order_queue([*lung, *brain], [], now=NOW)) == [ANN, CAT, BEN, CAT, ANN, BEN]


def test_who_has_fewer_jobs_on_workers_goes_first_then_who_used_less_time_lately() -> None:
    ann, ben = waits(LUNG, ANN, 20), waits(LUNG, BEN, 10)
    assert people(order_queue([ann, ben], [works(LUNG, ANN, 3)], now=NOW)) == [BEN, ANN]
    both = [works(LUNG, ANN, 300, 200), works(LUNG, BEN, 100, 90)]
    assert people(order_queue([ann, ben], both, now=NOW)) == [BEN, ANN]
    assert people(order_queue([ann, ben], [works(LUNG, BEN, 100, 90)], now=NOW)) == [ANN, BEN]


def test_worker_time_is_forgotten_and_counts_only_as_far_as_it_is_late() -> None:
    ann, ben = waits(LUNG, ANN, 20), waits(LUNG, BEN, 10)
    edge = LATELY.total_seconds()
    long_ago = works(LUNG, ANN, 5000, edge - 1)  # one second of it lies within
    assert people(order_queue([ann, ben], [long_ago, works(LUNG, BEN, 10, 8)], now=NOW)) == [ANN, BEN]
    assert people(order_queue([ann, ben], [long_ago, works(LUNG, BEN, 10, 9.5)], now=NOW)) == [BEN, ANN]


def test_what_waited_long_in_advance_counts_as_waited_for_and_not_a_second_earlier() -> None:
    edge = PATIENCE.total_seconds()
    asked = waits(LUNG, ANN, 60)
    old, young = (waits(LUNG, None, edge + shift, awaited=False) for shift in (1, 0))
    assert order_queue([asked, old], [], now=NOW) == [old, asked]
    assert order_queue([asked, young], [], now=NOW) == [asked, young]


def test_the_rules_of_a_team_count_as_one_person_and_not_as_those_of_another_team() -> None:
    mine = [waits(LUNG, None, 50 - place, awaited=False) for place in range(3)]
    theirs = [waits(BRAIN, None, 20 - place, awaited=False) for place in range(3)]
    order = order_queue([*mine, *theirs], [works(LUNG, None, 1)], now=NOW)
    assert [job.team for job in order] == [BRAIN, BRAIN, LUNG, BRAIN, LUNG, LUNG]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([LUNG, BRAIN]), st.sampled_from([ANN, BEN, None]), st.integers(0, 4000), st.booleans()
        )
    )
)
def test_nothing_is_lost_and_nobody_of_equal_load_gets_two_more_turns_than_another(
    rows: list[tuple[UUID, int | None, int, bool]],
) -> None:
    jobs = [waits(team, person, ago, awaited=awaited) for team, person, ago, awaited in rows]
    order = order_queue(jobs, [], now=NOW)
    assert {job.id for job in order} == {job.id for job in jobs}
    first = [job for job in order if job.is_due_first(NOW)]
    assert order[: len(first)] == first
    for place in range(len(first)):
        turns = {team: sum(job.team == team for job in first[:place]) for team in (LUNG, BRAIN)}
        still = {team for team in (LUNG, BRAIN) if any(job.team == team for job in first[place:])}
        if len(still) == 2:
            assert abs(turns[LUNG] - turns[BRAIN]) <= 1

"""In which order waiting jobs are due. Imports neither torch nor Django.

1. What a person waits for goes before what runs in advance; a job in advance that has waited for `PATIENCE` counts as
   waited for, so that nothing starves.
2. Then teams take turns: the one with fewer jobs on workers goes first, then the one that used less worker time lately.
3. Within a team people take turns in the same way; what rules ask for counts as one person of the team.
4. What one person asks for runs in the order of asking.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

PATIENCE = timedelta(minutes=30)
"""How long a job in advance waits before it counts as waited for."""
LATELY = timedelta(minutes=10)
"""How far back worker time counts."""


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job in a queue.

    Attributes
    ----------
    team
        Whose study it is for.
    person
        Who asked for it; None where a rule did.
    is_awaited
        Whether a person waits for it.
    """

    id: UUID
    team: UUID
    person: int | None
    is_awaited: bool
    queued_at: datetime

    def is_due_first(self, now: datetime) -> bool:
        """Tell whether it goes before what runs in advance."""
        return self.is_awaited or now - self.queued_at > PATIENCE


@dataclass(frozen=True, slots=True)
class WorkedJob:
    """A job that a worker has, or had lately; `finished_at` is None while it runs."""

    team: UUID
    person: int | None
    started_at: datetime
    finished_at: datetime | None


class Load(NamedTuple):
    """What somebody has of the workers: jobs that run now, and seconds of worker time lately."""

    running: int = 0
    seconds: float = 0.0


def order_queue(waiting: Iterable[WaitingJob], worked: Iterable[WorkedJob], *, now: datetime) -> list[WaitingJob]:
    """Return the jobs of one queue, the one due next first.

    Whatever stands earlier in the order is taken to run when a later place is given, so that turns are taken along the
    whole list and not at its head alone.
    """
    loads = _measure_loads(worked, now)
    jobs = list(waiting)
    first = _take_turns([job for job in jobs if job.is_due_first(now)], loads)
    for job in first:
        for key in _keys(job):
            loads[key] = Load(loads[key].running + 1, loads[key].seconds)
    return first + _take_turns([job for job in jobs if not job.is_due_first(now)], loads)


def _take_turns(jobs: Sequence[WaitingJob], loads: Mapping[Hashable, Load]) -> list[WaitingJob]:
    by_team: dict[Hashable, dict[Hashable, list[WaitingJob]]] = defaultdict(lambda: defaultdict(list))
    for job in sorted(jobs, key=lambda each: (each.queued_at, each.id)):
        team, person = _keys(job)
        by_team[team][person].append(job)
    return _interleave({team: _interleave(people, loads) for team, people in by_team.items()}, loads)


def _interleave(lines: Mapping[Hashable, Sequence[WaitingJob]], loads: Mapping[Hashable, Load]) -> list[WaitingJob]:
    """Merge several lines into one: a line's next job is held against the others' with those before it as running."""
    ranked = [
        ((loads[key].running + place, loads[key].seconds, job.queued_at, job.id), job)
        for key, line in lines.items()
        for place, job in enumerate(line)
    ]
    ranked.sort(key=lambda each: each[0])
    return [job for _, job in ranked]


def _measure_loads(worked: Iterable[WorkedJob], now: datetime) -> dict[Hashable, Load]:
    loads: dict[Hashable, Load] = defaultdict(Load)
    for job in worked:
        end = job.finished_at or now
        seconds = max(0.0, (end - max(job.started_at, now - LATELY)).total_seconds())
        for key in _keys(job):
            running, before = loads[key]
            loads[key] = Load(running + (job.finished_at is None), before + seconds)
    return loads


def _keys(job: WaitingJob | WorkedJob) -> tuple[Hashable, Hashable]:
    """Return the team and the person; the rules of a team are one person of it."""
    return job.team, (job.team, None) if job.person is None else job.person

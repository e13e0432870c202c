"""The demo cases in the archive: generated beside one another, taken in as any other data is."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from django.conf import settings

from inference.training.synthetic.catalogue import DEMO_CASES, DemoCase, truth_path
from inference.training.synthetic.dicom_series import GENERATOR_VERSION
from segweb.demo_courses import follow_case
from segweb.supervision.children import Child, ChildSpec, last_lines, start_child, stop_children
from studies.models import Reception, ReceptionOutcome, Study, Team, User
from studies.services import audit
from studies.services.accounts import FIRST_ACCOUNTS
from studies.services.ingest_folder import import_path
from studies.services.teams import add_member, ensure_team

DEMO_TEAM = "Demo"
_POLL_S = 0.1
_MOST_PROCESSES = 4
_ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1") | {
    "MALLOC_MMAP_MAX_": "0",  # with the next line glibc keeps large arrays' pages: a third of the time went there
    "MALLOC_TRIM_THRESHOLD_": str(8 * 1024**3),
}

Say = Callable[[str], object]


class GenerationError(Exception):
    """A case could not be generated; the message says where its log lies."""


def seed_demo(say: Say, cases: Sequence[DemoCase] = DEMO_CASES) -> int:
    """Put the demo team, its members and its cases in place; return how many cases were loaded now.

    A case that the archive holds whole is not generated again. What a stopped run has generated is used.
    """
    team = ensure_team(DEMO_TEAM)
    for user in User.objects.filter(username__in=[username for username, _ in FIRST_ACCOUNTS]):
        add_member(team, user=user, actor=audit.SYSTEM_ACTOR)
    missing = [case for case in cases if not is_loaded(team, case)]
    if not missing:
        return 0
    say(f"  Preparing {len(missing)} demo cases (synthetic patients); this takes about a minute ...")
    folder = demo_folder()
    for case in missing:
        if not (folder / case.name).is_dir():
            _truth_path(folder, case).unlink(missing_ok=True)  # loaded once, into an archive that is gone
    begun = time.monotonic()
    for case in generated(missing, folder, say):
        _load(team, case, folder / case.name)
        follow_case(team, case, folder / case.name)
        say(f"  {case.title}: loaded after {time.monotonic() - begun:.0f} s")
    return len(missing)


def demo_folder() -> Path:
    """Return where cases are generated; another version of the generator has another folder."""
    return Path(settings.SEGWEB_DATA_DIR) / "demo" / f"v{GENERATOR_VERSION}"


def is_loaded(team: Team, case: DemoCase) -> bool:
    """Tell whether the archive holds every file of a case."""
    held = dict(
        Study.objects.filter(home_team=team, study_instance_uid__in=case.study_instance_uids).values_list(
            "study_instance_uid", "instance_count"
        )
    )
    wanted = zip(case.study_instance_uids, case.file_counts, strict=True)
    return all(held.get(uid) == count for uid, count in wanted)


def generated(cases: Sequence[DemoCase], folder: Path, say: Say) -> Iterator[DemoCase]:
    """Yield each case once its files are there; cases are generated in processes that end when this one does."""
    waiting = [case for case in cases if not _truth_path(folder, case).exists()]
    yield from (case for case in cases if case not in waiting)
    running: dict[str, tuple[DemoCase, Child]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < min(os.cpu_count() or 1, _MOST_PROCESSES):
                case = waiting.pop(0)
                say(f"  {case.title}: generating ...")
                running[case.name] = (case, _start(case, folder))
            for case, child in [pair for pair in running.values() if pair[1].process.poll() is not None]:
                del running[case.name]
                if child.process.returncode != 0:
                    raise GenerationError(f"{case.title} could not be generated.\n{last_lines(child.log)}")
                yield case
            time.sleep(_POLL_S)
    finally:
        stop_children([child for _, child in running.values()])


def _start(case: DemoCase, folder: Path) -> Child:
    target = folder / case.name
    shutil.rmtree(target, ignore_errors=True)  # what a stopped run left half done
    command = [sys.executable, "-m", "inference.training.synthetic", case.name, str(target)]
    log = Path(settings.SEGWEB_DATA_DIR) / "log" / f"demo-{case.name}.log"
    return start_child(
        ChildSpec(f"demo-{case.name}", command), folder=settings.BASE_DIR, log=log, env=os.environ | _ENVIRONMENT
    )


def _truth_path(folder: Path, case: DemoCase) -> Path:
    return truth_path(folder / case.name)


def _load(team: Team, case: DemoCase, folder: Path) -> None:
    """Take a generated case in and let its files go, since the archive has them; its table of truth stays."""
    refused: list[str] = []

    def note(receptions: Sequence[Reception]) -> None:
        refused.extend(f"{r.path}: {r.reason}" for r in receptions if r.outcome == ReceptionOutcome.REFUSED)

    import_path(team, folder, on_recorded=note)
    if refused:
        raise GenerationError(f"{case.title}: {len(refused)} files were refused, the first: {refused[0]}")
    shutil.rmtree(folder)

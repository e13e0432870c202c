"""Task names are not typos: an unknown name would be enqueued and never run."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app

from inference import tasks as inference_tasks
from studies import queue
from studies import tasks as study_tasks

pytestmark = pytest.mark.house


ENUMS = {enum.__name__: enum for enum in (queue.StudyTask, inference_tasks.InferenceTask)}
OPTIONS = {"queue", "delay_s"}
"""What `enqueue_on_commit` keeps for itself."""


def names() -> list[str]:
    return [str(member) for enum in ENUMS.values() for member in enum]


@pytest.mark.parametrize("name", names())
def test_each_task_name_is_registered(name: str) -> None:
    assert name in current_app.tasks
    act = current_app.tasks[name].run
    assert act.__name__.endswith("_task")
    assert all(p.kind is not p.VAR_KEYWORD for p in inspect.signature(act).parameters.values())


def test_every_registered_task_has_a_name_in_an_enum() -> None:
    assert study_tasks
    ours = {name for name in current_app.tasks if name.split(".")[0] in ("studies", "inference")}
    assert ours == set(names())


def calls() -> Iterator[tuple[str, str, set[str]]]:
    """Yield where a task is enqueued, which, and with which keywords; "queue" among them where one is named."""
    root = Path(__file__).resolve().parents[2]
    for path in sorted([*root.glob("studies/**/*.py"), *root.glob("inference/**/*.py"), *root.glob("segweb/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "enqueue_on_commit":
                enum, member = ast.unparse(node.args[0]).split(".")
                given = {str(keyword.arg) for keyword in node.keywords}
                yield f"{path.relative_to(root)}:{node.lineno}", str(ENUMS[enum][member]), given


def test_each_task_is_enqueued_with_its_own_parameters() -> None:
    seen = list(calls())
    for place, name, given in seen:
        parameters = inspect.signature(current_app.tasks[name].run).parameters
        needed = {key for key, p in parameters.items() if p.default is p.empty}
        assert needed <= given - OPTIONS <= set(parameters), f"{place} enqueues {name} with {sorted(given)}"
    assert {name for _, name, _ in seen} == set(names())


def test_what_people_drop_never_waits_behind_what_computes_for_long() -> None:
    """Models and registrations have workers of their own: a dropped study is read at once."""
    short = set(queue.StudyTask) - {queue.StudyTask.REGISTER_SERIES}
    for place, name, given in calls():
        assert (name in short) == ("queue" not in given), f"{place}: {name} goes to the wrong workers"

"""Task names are not typos: an unknown name would be enqueued and never run."""

import inspect

import pytest
from celery import current_app

from inference import tasks as inference_tasks
from studies import queue
from studies import tasks as study_tasks

pytestmark = pytest.mark.house


def names() -> list[str]:
    enums = [queue.StudyTask, inference_tasks.InferenceTask]
    return [str(member) for enum in enums for member in enum]


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

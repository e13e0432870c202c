"""The Celery application: web enqueues through it, workers run it."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_after_setup

from segweb.supervision.devices import VISIBLE, list_cuda_devices

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "segweb.settings")

app = Celery("segweb")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

DEVICE_QUEUE = "gpu"


def refuse_shared_device(instance: Any, **_kwargs: object) -> None:
    """Let a worker that takes jobs for a device take one at a time, in its own process, and hoard none.

    Two networks on one device run out of its memory; a message that waits in a busy worker's hands waits for nothing.
    """
    if DEVICE_QUEUE in instance.app.amqp.queues.consume_from:
        problem = find_worker_problem(
            pool=f"{instance.pool_cls.__module__}.{instance.pool_cls.__qualname__}",
            concurrency=int(instance.concurrency),
            prefetch_multiplier=int(instance.prefetch_multiplier),
            device_count=len(list_cuda_devices()),
        )
        if problem:
            raise SystemExit(f"This worker takes the queue {DEVICE_QUEUE!r} and {problem}")


celeryd_after_setup.connect(refuse_shared_device)


def find_worker_problem(*, pool: str, concurrency: int, prefetch_multiplier: int, device_count: int = 0) -> str | None:
    """Say what keeps a worker from holding a device, and how to start it; None where nothing does."""
    if not pool.startswith("celery.concurrency.solo."):
        return f"its pool is {pool}. Start it with --pool solo."
    if concurrency != 1:
        return f"its concurrency is {concurrency}. Start it with --concurrency 1."
    if prefetch_multiplier != 1:
        return f"it prefetches {prefetch_multiplier} messages. Start it with --prefetch-multiplier 1."
    if device_count > 1:
        return f"it sees {device_count} GPUs and would use one. Start one worker a GPU, with {VISIBLE} naming that one."
    return None

"""The lease a worker holds on its job: a heartbeat from a thread of its own, and the memory the run needed."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import psutil
from django.db import DatabaseError, connection
from django.utils import timezone

from inference.job_states import JobState
from inference.models import SegmentationJob

logger = logging.getLogger(__name__)

HEARTBEAT_S = 4.0
LEASE = timedelta(seconds=30)
"""A job whose heartbeat is older has lost its worker."""
STALL_LIMIT_S = 1800.0
"""A run that reports nothing for so long is stuck: its process is killed, as nothing else ends a hung call."""
SAMPLE_S = 0.25


def name_worker() -> str:
    """Return a name that tells this process from every other, also from a later one under the same number."""
    process = psutil.Process()
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


def is_worker_gone(worker: str) -> bool:
    """Tell whether a worker is known to have ended; one on another machine is never known to."""
    host, _, rest = worker.rpartition(":")[0].rpartition(":")
    created = worker.rpartition(":")[2]
    if host != socket.gethostname() or not rest.isdecimal():
        return False
    try:
        process = psutil.Process(int(rest))
        return f"{process.create_time():.2f}" != created or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


class Lease:
    """Beats for a job while it runs and measures the process's peak resident memory meanwhile."""

    def __init__(self, job: SegmentationJob) -> None:
        self._job_id, self._attempt = job.pk, job.attempt
        self._is_over = threading.Event()
        self._progressed_at = time.monotonic()
        self._peak_bytes = 0
        self._thread = threading.Thread(target=self._beat, name=f"lease-{job.pk}", daemon=True)

    def __enter__(self) -> Self:
        _reset_peak()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def note_progress(self) -> None:
        """Tell that the run is not stuck."""
        self._progressed_at = time.monotonic()

    @property
    def peak_memory_bytes(self) -> int:
        """Largest resident memory of this process since the run began, bytes."""
        return max(self._peak_bytes, _read_peak())

    def _beat(self) -> None:
        next_beat = time.monotonic() + HEARTBEAT_S
        try:
            while not self._is_over.wait(SAMPLE_S):
                self._peak_bytes = max(self._peak_bytes, psutil.Process().memory_info().rss)
                now = time.monotonic()
                if now - self._progressed_at > STALL_LIMIT_S:
                    _kill_this_process(self._job_id)
                if now < next_beat:
                    continue
                next_beat = now + HEARTBEAT_S
                self._renew()
        finally:
            connection.close()

    def _renew(self) -> None:
        try:
            SegmentationJob.objects.filter(pk=self._job_id, attempt=self._attempt, state=JobState.RUNNING).update(
                heartbeat_at=timezone.now()
            )
        except DatabaseError as error:
            logger.warning("A heartbeat was not written: %s", error)
            connection.close()


def _kill_this_process(job_id: UUID) -> None:
    """End a worker that is stuck; the reaper gives its job to the one that takes its place, or fails it."""
    logger.critical("Job %s has reported nothing for %.0f s; this worker ends itself.", job_id, STALL_LIMIT_S)
    logging.shutdown()
    os.kill(os.getpid(), signal.SIGKILL)


def _reset_peak() -> None:
    with suppress(OSError):  # Linux: VmHWM begins anew, so that a run is not charged for the one before it
        Path("/proc/self/clear_refs").write_text("5")


def _read_peak() -> int:
    """Return VmHWM in bytes, 0 where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{os.getpid()}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0

"""Keep the embedded stack alive until it is told to stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from segweb.supervision.children import (
    MOST_QUICK_DEATHS,
    QUICK_DEATH_S,
    Child,
    ChildSpec,
    last_lines,
    start_child,
    stop_children,
)
from segweb.supervision.stack import StartError, child_environment, is_healthy

HEALTHY_WITHIN_S = 120.0


class Supervisor:
    """Starts children, restarts one that dies, stops them all in the reverse order of their start."""

    def __init__(self, *, root: Path, data_dir: Path) -> None:
        self.root = root
        self.data_dir = data_dir
        self.children: list[Child] = []
        self.is_stopping = threading.Event()
        self.is_starting = True

    def install_signals(self) -> None:
        """Take SIGINT and SIGTERM as the wish to stop."""

        def stop(signum: int, frame: FrameType | None) -> None:
            self.is_stopping.set()
            if self.is_starting:  # nobody waits for demo cases after Ctrl-C
                raise KeyboardInterrupt

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)

    def start(self, spec: ChildSpec) -> Child:
        """Start one child and keep it."""
        child = start_child(spec, folder=self.root, log=self._log(spec), env=child_environment(self.data_dir))
        self.children.append(child)
        return child

    def wait_until_healthy(self, port: int) -> None:
        """Wait for the health check; give up early when a child keeps dying."""
        deadline = time.monotonic() + HEALTHY_WITHIN_S
        while not is_healthy(port):
            self.revive_dead()
            if self.is_stopping.wait(0.2):
                return
            if time.monotonic() > deadline:
                logs = "\n".join(f"{c.spec.name}: {c.log}\n{last_lines(c.log)}" for c in self.children)
                raise StartError(f"SegWeb does not answer after {HEALTHY_WITHIN_S:.0f} s. What its parts say:\n{logs}")

    def watch(self) -> None:
        """Revive what dies until asked to stop."""
        self.is_starting = False
        while not self.is_stopping.wait(0.5):
            self.revive_dead()

    def revive_dead(self) -> None:
        """Start dead children again; a child that dies young again and again ends everything."""
        for place, child in enumerate(self.children):
            if child.process.poll() is None:
                continue
            lived_s = time.monotonic() - child.started
            quick_deaths = child.quick_deaths + 1 if lived_s < QUICK_DEATH_S else 1
            if quick_deaths >= MOST_QUICK_DEATHS:
                raise StartError(f"{child.spec.name} keeps stopping. The end of {child.log}:\n{last_lines(child.log)}")
            self.is_stopping.wait(0.2 * 2**quick_deaths)
            revived = start_child(child.spec, folder=self.root, log=child.log, env=child_environment(self.data_dir))
            revived.quick_deaths = quick_deaths
            self.children[place] = revived

    def stop(self) -> None:
        """Stop everything but the broker, then the broker."""
        broker: Sequence[Child] = self.children[:1]
        stop_children(list(reversed(self.children[1:])))
        stop_children(broker)
        self.children.clear()

    def _log(self, spec: ChildSpec) -> Path:
        return self.data_dir / "log" / f"{spec.name}.log"

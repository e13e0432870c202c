"""The real stack for tests: Valkey, web and workers as child processes on the test database.

`live_stack` starts it once a session, on free ports of 127.0.0.1 and on the folders and the database that the test
process itself uses, so that records made with factories are there for the browser. A test that uses it also needs
``transactional_db``: other processes see committed rows only.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from websockets.asyncio.client import connect

from segweb.supervision.children import Child, ChildSpec, last_lines, start_child, stop_children
from segweb.supervision.stack import HOST, valkey_spec, wait_for_socket, web_spec, worker_spec
from studies.models import User
from tests.factories import PASSWORD

ROOT = Path(__file__).resolve().parents[1]
UP_WITHIN_S = 180.0
SLOW_WORKER = "worker-slow"


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def database_url() -> str:
    """Return the test database's address for a child process."""
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{known['NAME']}"
    given = urlsplit(os.environ["SEGWEB_DATABASE_URL"])  # the server is the same, the database is the test runner's
    return urlunsplit(given._replace(path=f"/{known['NAME']}"))


def wait_until(is_so: Callable[[], object], *, within_s: float, what: str) -> None:
    """Wait for something to become true, or fail saying what did not."""
    deadline = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"Not within {within_s:g} s: {what}")
        time.sleep(0.05)


@dataclass
class LiveStack:
    """The running stack. Children can be killed, and started again, by name: valkey, web, worker-cpu, worker-gpu."""

    folder: Path
    extra_env: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        """Where the portal answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def broker_url(self) -> str:
        """Valkey's address, as SEGWEB_BROKER_URL."""
        return f"redis+socket://{self.folder / 'valkey.sock'}"

    def start(self, *, workers: tuple[str, ...] = ("record", "cpu", "gpu")) -> None:
        """Start everything and wait until the health check is content."""
        self.start_valkey()
        self.start_child(web_spec(self.port))
        for queue in workers:
            self.start_child(worker_spec(queue))
        self.wait_until_up("ok" if workers else "degraded")

    def start_valkey(self) -> None:
        """Start Valkey and wait for its socket."""
        path = self.folder / "valkey.sock"
        wait_for_socket(path, self.start_child(valkey_spec(path, self.folder)))

    def start_child(self, spec: ChildSpec) -> Child:
        """Start one child on the test process's database and data folder."""
        env = {
            **os.environ,
            "SEGWEB_ENVIRONMENT": "development",
            "SEGWEB_DATA_DIR": str(settings.SEGWEB_DATA_DIR),
            "SEGWEB_DATABASE_URL": database_url(),
            "SEGWEB_BROKER_URL": self.broker_url,
            "OMP_NUM_THREADS": "1",
            **self.extra_env,
        }
        env.pop("DJANGO_SETTINGS_MODULE", None)
        child = start_child(spec, folder=ROOT, log=self.folder / f"{spec.name}.log", env=env)
        self.children[spec.name] = child
        return child

    def wait_until_up(self, status: str = "degraded") -> None:
        """Wait for web, database and broker ("degraded"), or for workers too ("ok")."""
        deadline = time.monotonic() + UP_WITHIN_S
        while self.health() not in (status, "ok"):
            if time.monotonic() > deadline:
                logs = "\n".join(f"{child.spec.name}:\n{last_lines(child.log)}" for child in self.children.values())
                pytest.fail(f"The stack is not up after {UP_WITHIN_S:g} s.\n{logs}")
            time.sleep(0.1)

    def health(self) -> str:
        """Return what the health check says, empty while nobody answers."""
        try:
            return str(requests.get(f"{self.base_url}/healthz", timeout=5).json()["status"])
        except (requests.RequestException, ValueError):
            return ""

    def kill(self, name: str) -> ChildSpec:
        """End a child as a crash would (SIGKILL) and return its spec, to start it again."""
        child = self.children.pop(name)
        child.process.kill()
        child.process.wait()
        return child.spec

    def stop(self) -> None:
        """End every child, the last started first."""
        stop_children(list(reversed(self.children.values())))
        self.children.clear()

    def browser_session(self, user: User) -> requests.Session:
        """Return an HTTP client that is signed in as a person and sends the CSRF token."""
        client = requests.Session()
        client.cookies.set(settings.SESSION_COOKIE_NAME, sign_in(user), domain=HOST)
        client.get(f"{self.base_url}/api/session", timeout=20).raise_for_status()
        client.headers["X-CSRFToken"] = client.cookies[settings.CSRF_COOKIE_NAME]
        client.headers["Referer"] = self.base_url
        return client

    def websocket(self, path: str, session_key: str | None, **options: Any) -> connect:
        """Return a WebSocket to a path, for ``async with``, with a session's cookie where one is given."""
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session_key}"} if session_key else {}
        address = f"ws://{HOST}:{self.port}{path}"
        return connect(address, additional_headers=headers, origin=self.base_url, max_size=None, **options)


def sign_in(user: User) -> str:
    """Begin a session for a person as signing in would, and return its key."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def give_password(user: User, password: str = PASSWORD) -> None:
    """Let a person sign in with a password on the running portal, which hashes as in production, not as in tests."""
    hasher = Argon2PasswordHasher()
    user.password = hasher.encode(password, hasher.salt())
    user.save(update_fields=["password"])


def slow_worker_spec(queue: str, delay_s: float) -> ChildSpec:
    """A worker that pauses after each window, so that a test can step in while a job runs."""
    command = [sys.executable, "-m", "tests.slow_worker", str(delay_s), "--queues", queue]
    return ChildSpec(SLOW_WORKER, command)


@pytest.fixture(scope="session")
def live_stack(django_db_setup: None, django_db_blocker: Any) -> Iterator[LiveStack]:
    """The whole stack, shared by the tests of a session."""
    with run_stack(django_db_blocker) as stack:
        yield stack


@contextlib.contextmanager
def run_stack(django_db_blocker: Any, *, workers: tuple[str, ...] = ("record", "cpu", "gpu")) -> Iterator[LiveStack]:
    """Run a stack of its own, for tests that kill parts of it."""
    with tempfile.TemporaryDirectory(prefix="segweb-stack-") as folder, django_db_blocker.unblock():
        stack = LiveStack(Path(folder))
        try:
            stack.start(workers=workers)
            yield stack
        finally:
            stack.stop()

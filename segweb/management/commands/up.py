"""Start the embedded stack and keep it alive: the second half of `make run`."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from segweb.settings import env
from segweb.supervision import stack
from segweb.supervision.devices import list_cuda_devices
from segweb.supervision.supervisor import Supervisor
from studies.services.accounts import create_first_accounts

DEFAULT_PORT = 8000


class Command(BaseCommand):
    """Migrate, create the first accounts, load the demo cases, start and supervise Valkey, web and workers."""

    help = "Start SegWeb on this machine: database, accounts, demo cases, Valkey, web, workers."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the port, and whether demo cases are wanted."""
        parser.add_argument("--port", type=int, default=int(os.environ.get("SEGWEB_PORT", DEFAULT_PORT)))
        parser.add_argument("--no-demo", action="store_true", help="leave the demo cases out")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped; every refusal is one sentence."""
        port: int = options["port"]
        supervisor = Supervisor(root=env.ROOT, data_dir=Path(settings.SEGWEB_DATA_DIR))
        supervisor.install_signals()
        try:
            lock = stack.take_lock(env.RUN_DIR)
            stack.require_free_port(port)
            stack.write_lock(lock, f"process {os.getpid()}, http://{stack.HOST}:{port}")
            self._start(supervisor, port, with_demo=not options["no_demo"])
            supervisor.watch()
        except stack.StartError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("Stopping.")
        finally:
            supervisor.stop()
        self.stdout.write("SegWeb has stopped.")

    def _start(self, supervisor: Supervisor, port: int, *, with_demo: bool) -> None:
        begun = time.monotonic()
        folder = supervisor.data_dir / "valkey"
        folder.mkdir(parents=True, exist_ok=True)
        env.VALKEY_SOCKET.unlink(missing_ok=True)
        broker = supervisor.start(stack.valkey_spec(env.VALKEY_SOCKET, folder))
        self._migrate()
        accounts = create_first_accounts()
        call_command("lay_down_rules", stdout=self.stdout)
        stack.wait_for_socket(env.VALKEY_SOCKET, broker)
        supervisor.start(stack.web_spec(port))
        for worker in stack.worker_specs(list_cuda_devices()):
            supervisor.start(worker)
        if with_demo:
            call_command("seed_demo", stdout=self.stdout)
        supervisor.wait_until_healthy(port)
        if supervisor.is_stopping.is_set():
            return
        self.stdout.write(f"\nSegWeb is up after {time.monotonic() - begun:.1f} s:  http://{stack.HOST}:{port}/\n")
        for account in accounts:
            self.stdout.write(f"  {account.role:<14} {account.username:<12} one-time password: {account.password}")
        self.stdout.write("For research use only, not for diagnosis. Ctrl-C stops it.")

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("  Bringing the database up to date ...")
            call_command("migrate", verbosity=0)

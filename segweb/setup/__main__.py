"""The commands behind the Makefile: run, test, check, bench."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from segweb.setup import suite
from segweb.setup.backends import ensure_backends
from segweb.setup.environment import PYTHON, ensure_environment
from segweb.setup.frontend import ensure_frontend, ensure_packages, node_environment
from segweb.setup.steps import ROOT, SetupError, ensure_folder, say


def run(options: argparse.Namespace) -> int:
    """Set up what is missing, then become the supervisor: Ctrl-C and signals reach it directly."""
    ensure_folder(ROOT / ".data" / "log")
    ensure_environment(development=False)
    ensure_frontend()
    ensure_backends()
    arguments = [str(PYTHON), "manage.py", "up", *(["--port", options.port] if options.port else [])]
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(PYTHON, arguments)


def test(options: argparse.Namespace) -> int:
    """Run every check and test on the databases named."""
    return suite.run_tests(options.databases.split())


def check(options: argparse.Namespace) -> int:
    """Run format, lint, types and contracts: what takes seconds."""
    ensure_environment(development=True)
    env = node_environment()
    ensure_packages(env)
    return suite.report([stage.run() for stage in suite.fast_checks(env)])


def bench(options: argparse.Namespace) -> int:
    """Run one benchmark."""
    ensure_environment(development=True)
    return subprocess.run([PYTHON, "manage.py", "bench", *options.names], cwd=ROOT, check=False).returncode


def main() -> int:
    """Parse the command line and run one command; refusals become one clear sentence."""
    parser = argparse.ArgumentParser(prog="make", description="SegWeb's commands.")
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run")
    running.add_argument("--port", default="")
    running.set_defaults(act=run)
    testing = commands.add_parser("test")
    testing.add_argument("--databases", default="sqlite")
    testing.set_defaults(act=test)
    commands.add_parser("check").set_defaults(act=check)
    benching = commands.add_parser("bench")
    benching.add_argument("names", nargs="*")
    benching.set_defaults(act=bench)
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # without stored bytecode every process compiles for seconds
    try:
        code: int = options.act(options)
    except SetupError as error:
        say(f"\n{error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())

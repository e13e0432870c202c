"""Set-up says what to do when a machine lacks something."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from segweb.setup import debian, environment, frontend, process_alive, steps, suite

ROOT = Path(__file__).resolve().parents[2]


def test_another_python_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.sys, "version_info", (3, 9, 0))
    with pytest.raises(steps.SetupError, match=r"needs Python 3\.11.*python3\.11-venv"):
        environment.ensure_environment(development=False)


def test_a_failing_step_says_the_hint_and_the_last_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LOG", tmp_path / "setup.log")
    script = "import sys; print('error: no compiler named cc'); sys.exit(3)"
    with pytest.raises(steps.SetupError, match=r"(?s)install one.*no compiler named cc"):
        steps.run_logged([sys.executable, "-c", script], hint="A compiler is missing: install one.")


def test_a_missing_program_is_a_hint_not_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LOG", tmp_path / "setup.log")
    with pytest.raises(steps.SetupError, match="Install it"):
        steps.run_logged(["no-such-program-anywhere"], hint="Install it.")


def test_a_folder_that_cannot_be_made_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(steps.SetupError, match="SEGWEB_DATA_DIR"):
        steps.ensure_folder(tmp_path / "file" / "folder")


def test_set_up_needs_nothing_installed() -> None:
    """The set-up runs before anything is installed: it imports with the bare standard library."""
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import segweb.setup.__main__\n"
        "print(any('site-packages' in str(getattr(m, '__file__', '')) for m in sys.modules.values()))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False"


def test_an_old_node_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "node"
    fake.write_text("#!/bin/sh\necho v18.1.0\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert frontend._node_version() == (18, 1, 0)
    assert frontend._node_version() < frontend.OLDEST_NODE


def test_what_apt_may_not_install_is_said_loudly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(debian, "find_browser", lambda: None)
    monkeypatch.setattr(debian, "_apt_prefix", lambda: None)
    debian.ensure_programs(postgresql=False)
    assert "NOT INSTALLED: chromium" in capsys.readouterr().out


def test_a_failed_stage_fails_the_suite(capsys: pytest.CaptureFixture[str]) -> None:
    assert suite.report([("one", 1.0, 0), ("two", 1.0, 1)]) == 1
    assert "1 passed, 1 failed" in capsys.readouterr().out
    assert suite.report([("one", 1.0, 0)]) == 0


def test_the_container_check_sees_a_running_and_a_missing_program() -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)", "a-name-nobody-else-has"])
    try:
        assert process_alive.is_alive("a-name-nobody-else-has")
    finally:
        sleeper.kill()
        sleeper.wait()
    assert not process_alive.is_alive("a-name-nobody-else-has")


def test_make_help_names_every_command() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for command in ("make run", "make test", "make check", "make bench NAME="):
        assert command in said


def test_a_setting_that_makes_no_sense_is_one_sentence() -> None:
    env = {**os.environ, "SEGWEB_IDLE_TIMEOUT_S": "soon"}
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == "SegWeb cannot start: SEGWEB_IDLE_TIMEOUT_S must be a whole number above 0.\n"

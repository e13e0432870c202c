"""The import contracts of pyproject.toml hold."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.house


def test_import_contracts_hold() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


def test_the_contracts_see_a_forbidden_import(tmp_path: Path) -> None:
    """A contract that cannot fail guards nothing: break one in a copy and watch it fail."""
    import shutil

    for package in ("segweb", "studies", "inference"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    offender = tmp_path / "studies" / "imaging" / "geometry.py"
    offender.write_text(offender.read_text() + "\nimport django\n")
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode != 0
    assert "studies.imaging.geometry -> django" in done.stdout


def test_the_web_process_carries_no_torch() -> None:
    script = (
        "import sys, segweb.asgi, segweb.urls\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        "import inference.registry\n"
        "inference.registry.list_models()\n"
        "loaded = sorted({name.split('.')[0] for name in sys.modules} & {'torch', 'monai'})\n"
        "print(loaded)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"

"""Files and functions stay small enough to read."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 60
P90_FILE_LINES = 250
P90_FUNCTION_LINES = 30
DRAWERS = re.compile(r"(^|/)(utils|helpers|common|misc|core)(\.py|\.ts|\.tsx|/)")
pytestmark = pytest.mark.house


def tracked(*patterns: str) -> list[Path]:
    """Return the files git tracks, or would track, without generated ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [
        ROOT / name
        for name in listed
        if name and "/migrations/" not in name and "/contract/" not in name and (ROOT / name).is_file()
    ]


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[int(share * (len(values) - 1))]


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in tracked("*.py", "*.ts", "*.tsx", "*.css")}
    assert len(lengths) > 50
    assert {str(p.relative_to(ROOT)): n for p, n in lengths.items() if n > MOST_FILE_LINES} == {}
    assert percentile(list(lengths.values()), 0.9) <= P90_FILE_LINES


def test_functions_are_short() -> None:
    lengths = {}
    for path in tracked("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lengths[f"{path.relative_to(ROOT)}:{node.name}"] = (node.end_lineno or 0) - node.lineno + 1
    assert {name: n for name, n in lengths.items() if n > MOST_FUNCTION_LINES} == {}
    assert percentile(list(lengths.values()), 0.9) <= P90_FUNCTION_LINES


def test_no_drawers() -> None:
    """A room is named after what is in it."""
    assert [str(p) for p in tracked("*") if DRAWERS.search(str(p.relative_to(ROOT)))] == []


def test_no_blanket_ignores_and_nothing_left_to_do() -> None:
    loose = re.compile(
        r"type: ignore(\s|$)|# noqa(\s|$)|@ts-ignore|eslint-disable(\s|\*|$)|\b(TO" + r"DO|FIX" + r"ME)\b"
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked("*.py", "*.ts", "*.tsx")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if loose.search(line) and path.name != "test_sizes.py"
    ]
    assert found == []


def test_top_level_holds_only_what_the_design_names() -> None:
    allowed = {
        *("manage.py", "pyproject.toml", "docker-compose.yml", "README.md", "Makefile", "LICENSE", "CHANGELOG.md"),
        *("segweb", "studies", "inference", "frontend", "tests"),
    }
    visible = {path.relative_to(ROOT).parts[0] for path in tracked("*")}
    assert {name for name in visible if not name.startswith(".")} - allowed == set()

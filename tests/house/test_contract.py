"""The browser's types are made from the code that serves, and are the ones that are committed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from segweb.contract import build_event_schema, build_openapi, to_json

pytestmark = pytest.mark.house
CONTRACT: Path = settings.BASE_DIR / "frontend" / "src" / "contract"
MEND = "Run manage.py write_contract, then npm --prefix frontend run contract, and commit both."


def test_the_api_is_described_without_a_warning_and_twice_the_same() -> None:
    assert to_json(build_openapi()) == to_json(build_openapi())


@pytest.mark.parametrize(("name", "build"), [("openapi.json", build_openapi), ("events.json", build_event_schema)])
def test_the_committed_contract_is_fresh(name: str, build: object) -> None:
    assert callable(build)
    assert (CONTRACT / name).read_text(encoding="utf-8") == to_json(build()), MEND


def test_every_operation_says_how_it_refuses() -> None:
    document = build_openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert "default" in operation["responses"], (method, path)


def test_the_committed_typescript_comes_from_the_contract(tmp_path: Path) -> None:
    frontend = settings.BASE_DIR / "frontend"
    tools = frontend / "node_modules" / ".bin"
    if shutil.which("node") is None or not (tools / "openapi-typescript").exists():
        pytest.skip("the front end's packages are not installed")
    for tool, arguments, name in (
        ("openapi-typescript", ["src/contract/openapi.json", "-o", str(tmp_path / "api.ts")], "api.ts"),
        ("json2ts", ["src/contract/events.json", str(tmp_path / "events.ts")], "events.ts"),
    ):
        subprocess.run([tools / tool, *arguments], cwd=frontend, check=True, capture_output=True)
        assert (tmp_path / name).read_text() == (CONTRACT / name).read_text(), MEND

"""The compose file and the image say what the settings read. Read as text: no engine is needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "segweb" / "setup" / "Dockerfile").read_text()
ENV = (ROOT / "segweb" / "settings" / "env.py").read_text()
BUILD_ONLY = {"SEGWEB_TORCH_INDEX"}
SECRETS = {"SEGWEB_SECRET_KEY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD"}
pytestmark = pytest.mark.house


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load(COMPOSE)


def read_by_settings() -> set[str]:
    return set(re.findall(r'"(SEGWEB_[A-Z_]+)"', ENV))


def test_every_variable_is_one_the_settings_read(compose: dict) -> None:
    for name, service in compose["services"].items():
        for variable in service.get("environment", {}):
            if variable.startswith("SEGWEB_"):
                assert variable in read_by_settings(), f"{name} sets {variable}, which nothing reads"


def test_production_sets_every_variable_that_has_no_default(compose: dict) -> None:
    required = set(re.findall(r'required_in_production\(\s*"(SEGWEB_[A-Z_]+)"', ENV)) | {"SEGWEB_ALLOWED_HOSTS"}
    assert len(required) >= 4
    for name in ("web", "cpu-worker", "gpu-worker", "migrate"):
        assert required <= set(compose["services"][name]["environment"])


def test_every_interpolated_variable_is_known() -> None:
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", COMPOSE))
    assert used - SECRETS - BUILD_ONLY <= read_by_settings()


def test_secrets_have_no_defaults() -> None:
    for secret in SECRETS:
        uses = re.findall(r"(?<!\$)\$\{" + secret + r"([^}]*)\}", COMPOSE)
        assert uses
        assert all(use.startswith(":?") for use in uses), f"{secret} must be refused when it is not set"
    assert not re.search(r"password\s*[:=]\s*['\"]?[A-Za-z0-9]", COMPOSE, flags=re.IGNORECASE)


def test_every_lasting_service_has_a_health_check_and_named_volumes(compose: dict) -> None:
    lasting = {name: s for name, s in compose["services"].items() if name != "migrate"}
    assert set(lasting) == {"web", "record-worker", "cpu-worker", "gpu-worker", "postgresql", "valkey"}
    for name, service in lasting.items():
        assert service["healthcheck"]["test"], name
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"], f"{name} mounts {volume}"


def test_a_gpu_worker_takes_one_task_at_a_time(compose: dict) -> None:
    command = compose["services"]["gpu-worker"]["command"]
    for option, value in (
        ("--pool", "solo"),
        ("--concurrency", "1"),
        ("--prefetch-multiplier", "1"),
        ("--queues", "gpu"),
    ):
        assert command[command.index(option) + 1] == value
    reserved = compose["services"]["gpu-worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert len(reserved[0]["device_ids"]) == 1


def test_a_second_gpu_gets_a_worker_of_its_own_by_uncommenting_what_the_file_says(compose: dict) -> None:
    lines = COMPOSE.splitlines()
    start = lines.index("  # gpu-worker-1:")
    end = next(place for place in range(start, len(lines)) if not lines[place].startswith("  # "))
    uncommented = [line.replace("  # ", "  ", 1) if start <= place < end else line for place, line in enumerate(lines)]
    services = yaml.safe_load("\n".join(uncommented))["services"]
    first, second = services["gpu-worker"], services["gpu-worker-1"]
    assert first == compose["services"]["gpu-worker"]
    assert [word.replace("gpu1@", "gpu0@") for word in second["command"]] == first["command"] != second["command"]
    pinned = [s["deploy"]["resources"]["reservations"]["devices"][0].pop("device_ids") for s in (first, second)]
    assert pinned == [["0"], ["1"]]
    assert {**second, "command": 0} == {**first, "command": 0}


def test_the_image_copies_what_exists_and_runs_unprivileged() -> None:
    for line in DOCKERFILE.splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), line
    assert re.search(r"^USER (?!root)", DOCKERFILE, flags=re.MULTILINE)
    assert "SEGWEB_SECRET_KEY" not in DOCKERFILE


def test_the_image_installs_the_uv_that_set_up_pins() -> None:
    pinned = re.search(r'UV = "(uv==[\d.]+)"', (ROOT / "segweb" / "setup" / "environment.py").read_text())
    assert pinned
    assert pinned.group(1) in DOCKERFILE


def test_production_settings_refuse_to_start_without_secrets() -> None:
    import os
    import subprocess
    import sys

    env = {k: v for k, v in os.environ.items() if not k.startswith("SEGWEB_")} | {"SEGWEB_ENVIRONMENT": "production"}
    script = "import segweb.settings"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "SEGWEB_SECRET_KEY is not set" in done.stderr

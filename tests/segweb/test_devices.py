"""One worker a GPU, found without torch."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segweb.supervision.children import start_child, stop_children
from segweb.supervision.devices import list_cuda_devices, read_devices
from segweb.supervision.stack import worker_specs

ROOT = Path(__file__).resolve().parents[2]
TWO_GPUS = """\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-5f3a1b2c-0000-1111-2222-333344445555)
GPU 1: NVIDIA RTX A6000 (UUID: GPU-6f3a1b2c-0000-1111-2222-333344445555)
"""
DIVIDED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-a)
  MIG 3g.20gb     Device  0: (UUID: MIG-a1)
  MIG 3g.20gb     Device  1: (UUID: MIG-a2)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-b)
"""


@pytest.fixture
def driver(tmp_path: Path) -> dict[str, str]:
    """An environment whose nvidia-smi tells of two GPUs."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\ntest \"$1\" = -L && cat <<'END'\n{TWO_GPUS}END\n")
    tool.chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.defpath}"}


def test_the_drivers_answer_is_read_line_by_line() -> None:
    assert read_devices(TWO_GPUS) == [
        "GPU-5f3a1b2c-0000-1111-2222-333344445555",
        "GPU-6f3a1b2c-0000-1111-2222-333344445555",
    ]
    assert read_devices(DIVIDED) == ["MIG-a1", "MIG-a2", "GPU-b"]
    assert read_devices("No devices found.\n") == []


def test_the_tool_is_asked_and_its_absence_or_failure_means_no_gpu(driver: dict[str, str], tmp_path: Path) -> None:
    assert list_cuda_devices(driver) == read_devices(TWO_GPUS)
    assert list_cuda_devices({"PATH": str(tmp_path / "nowhere")}) == []
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: X (UUID: GPU-x)'; exit 9\n")
    assert list_cuda_devices(driver) == []


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"CUDA_VISIBLE_DEVICES": "1, GPU-x"}, ["1", "GPU-x"]),
        ({"CUDA_VISIBLE_DEVICES": ""}, []),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, []),
        ({"SEGWEB_DEVICE": "cpu"}, []),
    ],
)
def test_the_environment_has_the_first_word(driver: dict[str, str], env: dict[str, str], expected: list[str]) -> None:
    assert list_cuda_devices({**driver, **env}) == expected


def test_each_gpu_has_a_worker_of_its_own_and_none_has_one_on_the_cpu() -> None:
    workers = worker_specs(["GPU-a", "GPU-b"])
    assert [(spec.name, dict(spec.env)) for spec in workers] == [
        ("worker-record", {}),
        ("worker-cpu", {}),
        ("worker-gpu0", {"CUDA_VISIBLE_DEVICES": "GPU-a"}),
        ("worker-gpu1", {"CUDA_VISIBLE_DEVICES": "GPU-b"}),
    ]
    hosts = [spec.command[spec.command.index("--hostname") + 1] for spec in workers]
    assert hosts == ["record@%h", "cpu@%h", "gpu0@%h", "gpu1@%h"]
    assert [spec.command[spec.command.index("--queues") + 1] for spec in workers] == ["record", "cpu", "gpu", "gpu"]
    assert [(spec.name, dict(spec.env)) for spec in worker_specs([])] == [
        ("worker-record", {}),
        ("worker-cpu", {}),
        ("worker-gpu", {}),
    ]


def test_a_child_gets_the_variables_of_its_own(tmp_path: Path) -> None:
    spec = worker_specs(["GPU-a"])[2]
    told = tmp_path / "told"
    script = f"import os; open({str(told)!r}, 'w').write(os.environ['CUDA_VISIBLE_DEVICES'])"
    spec = type(spec)(spec.name, [sys.executable, "-c", script], env=spec.env)
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b"}
    child = start_child(spec, folder=tmp_path, log=tmp_path / "log", env=env)
    child.process.wait(20)
    stop_children([child])
    assert told.read_text() == "GPU-a"


def test_a_worker_that_sees_two_gpus_does_not_start(driver: dict[str, str], tmp_path: Path) -> None:
    spec = worker_specs([])[2]
    env = {**os.environ, "SEGWEB_ENVIRONMENT": "development", "SEGWEB_DATA_DIR": str(tmp_path), **driver}
    for name in ("DJANGO_SETTINGS_MODULE", "CUDA_VISIBLE_DEVICES"):
        env.pop(name, None)
    began = time.monotonic()
    command = [*spec.command, "--prefetch-multiplier", "1"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "sees 2 GPUs" in done.stdout + done.stderr
    assert time.monotonic() - began < 60


def test_the_supervisor_loads_no_torch() -> None:
    script = "import sys, segweb.supervision.devices, segweb.supervision.stack; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=60, check=False).returncode == 0

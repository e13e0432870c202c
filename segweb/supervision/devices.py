"""Which GPUs there are, without loading torch: the driver's own tool is asked."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping

VISIBLE = "CUDA_VISIBLE_DEVICES"
_ASK = ("nvidia-smi", "-L")
_ASK_WITHIN_S = 20.0
_GPU = re.compile(r"GPU \d+: .*\(UUID: (GPU-[^)]+)\)")
_PART = re.compile(r"\s+MIG .*\(UUID: (MIG-[^)]+)\)")


def list_cuda_devices(env: Mapping[str, str] = os.environ) -> list[str]:
    """Return the CUDA devices that a process with this environment may use, each as CUDA_VISIBLE_DEVICES names it.

    Where the environment names them, they are taken at its word; ``SEGWEB_DEVICE=cpu`` wants none.
    """
    if env.get("SEGWEB_DEVICE", "").startswith("cpu"):
        return []
    if VISIBLE in env:
        named = [name.strip() for name in env[VISIBLE].split(",")]
        return [name for name in named if name and not name.startswith("-")]
    try:
        answer = subprocess.run(
            _ASK, env=dict(env), capture_output=True, text=True, timeout=_ASK_WITHIN_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):  # no driver, or one that does not answer: networks run on the CPU
        return []
    return read_devices(answer)


def read_devices(answer: str) -> list[str]:
    """Return the devices in the answer of ``nvidia-smi -L``; the parts of a divided GPU in its place."""
    gpus: list[tuple[str, list[str]]] = []
    for line in answer.splitlines():
        if gpu := _GPU.match(line):
            gpus.append((gpu[1], []))
        elif gpus and (part := _PART.match(line)):
            gpus[-1][1].append(part[1])
    return [device for gpu, parts in gpus for device in parts or [gpu]]

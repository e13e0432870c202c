"""Where a network runs."""

from __future__ import annotations

import os

import torch


def pick_device() -> torch.device:
    """Return the first CUDA device where there is one, otherwise the CPU. ``SEGWEB_DEVICE=cpu`` insists on the CPU."""
    wanted = os.environ.get("SEGWEB_DEVICE", "")
    if wanted:
        return torch.device(wanted)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def name_device() -> str:
    """Return what a person calls the device: the GPU's name, or "CPU"."""
    device = pick_device()
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()


def count_threads() -> int:
    """Return how many threads a network may use: ``SEGWEB_TORCH_THREADS``; unset or 0 leaves torch's own choice."""
    return int(os.environ.get("SEGWEB_TORCH_THREADS") or 0) or torch.get_num_threads()


def limit_threads() -> None:
    """Let torch use as many threads as `count_threads` says."""
    if torch.get_num_threads() != count_threads():
        torch.set_num_threads(count_threads())

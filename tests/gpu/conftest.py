"""Tests of this folder need a CUDA device; elsewhere each of them is skipped and says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture
def gpu() -> Iterator[torch.device]:
    """The first CUDA device, emptied and unbounded again afterwards."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device is at hand")
    device = torch.device("cuda:0")
    yield device
    torch.cuda.set_per_process_memory_fraction(1.0, device)
    torch.cuda.empty_cache()

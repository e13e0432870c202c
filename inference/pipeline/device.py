"""Where a network runs."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

logger = logging.getLogger(__name__)

Image = npt.NDArray[np.float32]


def pick_device() -> torch.device:
    """Return the first CUDA device where there is one, otherwise the CPU. ``SEGWEB_DEVICE=cpu`` insists on the CPU."""
    wanted = os.environ.get("SEGWEB_DEVICE", "")
    if wanted:
        return torch.device(wanted)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def limit_threads() -> None:
    """Let torch use as many threads as ``SEGWEB_TORCH_THREADS`` says; unset or 0 leaves torch's own choice."""
    threads = int(os.environ.get("SEGWEB_TORCH_THREADS") or 0)
    if threads > 0 and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


@dataclass(slots=True)
class Forward:
    """One window in, its scores out.

    Windows go through one at a time, so that a score never depends on which other windows share a batch. A device that
    runs out of memory is left for the CPU, with a warning.
    """

    network: nn.Module
    device: torch.device

    def __post_init__(self) -> None:
        limit_threads()
        torch.backends.cudnn.benchmark = False  # would choose algorithms by timing: another run, other bits
        torch.backends.cudnn.deterministic = True
        self.network = self.network.eval().to(self.device)

    def __call__(self, window: Image) -> Image:
        """Return scores (class, slice, row, column) of a window (slice, row, column)."""
        try:
            return self._run(window)
        except torch.OutOfMemoryError:
            logger.warning("%s has too little memory for a window: going on with the CPU.", self.device)
            torch.cuda.empty_cache()
            self.device = torch.device("cpu")
            self.network = self.network.to(self.device)
            return self._run(window)

    def _run(self, window: Image) -> Image:
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(window))[None, None].to(self.device)
            scores: Image = self.network(batch)[0].float().cpu().numpy()
        return scores

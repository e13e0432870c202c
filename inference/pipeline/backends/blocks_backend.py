"""A MeshNet run block by block on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor

from inference.pipeline.device import limit_threads
from inference.pipeline.dilated_blocks import run_in_blocks
from inference.pipeline.meshnet import MeshNet


class BlocksForward:
    """Windows in, scores out, one at a time.

    Parameters
    ----------
    network
        The network; it is brought to the CPU.
    classes
        Scores per voxel.
    """

    together = 1

    def __init__(self, network: MeshNet, *, classes: int) -> None:
        limit_threads()
        self.classes = classes
        self._network = network.eval().cpu()

    def __call__(self, windows: Tensor) -> Tensor:
        """Return float32 scores (window, class, slice, row, column)."""
        if len(windows) == 1:
            return run_in_blocks(self._network, windows[0])[None]
        return torch.stack([run_in_blocks(self._network, window) for window in windows])

"""A network run by torch, on the CPU or on a CUDA device."""

from __future__ import annotations

import logging
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from inference.pipeline.device import limit_threads
from inference.pipeline.run_notes import count_runs, write_note

logger = logging.getLogger(__name__)

_MOST_TOGETHER = 8
_SHARE_OF_FREE_MEMORY = 0.5


class TorchForward:
    """Windows in, scores out.

    A device that runs out of memory gets fewer windows at once; one that cannot hold a single window is left for the
    CPU, with a warning and a note to the reader. The next run begins again where this network belongs: what filled the
    device may be gone.

    Parameters
    ----------
    network
        Takes (window, channel, slice, row, column) and returns (window, class, slice, row, column).
    device
        Where to begin.
    classes
        Scores per voxel.
    is_half
        Autocast to half precision; CUDA only.
    together
        Windows of one pass; None measures what the device has room for at the first pass.
    """

    def __init__(
        self, network: nn.Module, device: torch.device, *, classes: int, is_half: bool = False, together: int = 1
    ) -> None:
        limit_threads()
        torch.backends.cudnn.benchmark = False  # would choose algorithms by timing: another run, other bits
        torch.backends.cudnn.deterministic = True
        self.network = network.eval()
        self.device = torch.device("cpu")
        self.classes = classes
        self.together = together
        self._home = device
        self._is_half = is_half
        self._at_once = together
        self._run_number = count_runs()
        self._settle()

    def __call__(self, windows: Tensor) -> Tensor:
        """Return float32 scores of windows, both (window, channel or class, slice, row, column)."""
        if self._run_number != count_runs():
            self._run_number = count_runs()
            self._at_once = self.together
            self._settle()
        while True:
            try:
                firsts = range(0, len(windows), self._at_once)
                return torch.cat([self._run(windows[first : first + self._at_once]) for first in firsts])
            except torch.OutOfMemoryError:
                self._give_way()

    def _settle(self) -> None:
        """Move to the device where this network belongs; stay on the CPU where it has no room."""
        if self.device == self._home:
            return
        try:
            self.network = self.network.to(self._home)
            self.device = self._home
        except torch.OutOfMemoryError:
            self._leave_for_cpu()

    def _give_way(self) -> None:
        if self.device.type == "cpu":
            raise MemoryError("out of memory")
        self._free_cache()
        if self._at_once > 1:
            self._at_once //= 2
            logger.warning("%s has too little memory: going on with %d windows at once.", self.device, self._at_once)
            return
        self._leave_for_cpu()

    def _leave_for_cpu(self) -> None:
        logger.warning("%s has too little memory for one window: going on with the CPU.", self._home)
        write_note(
            "The GPU had too little memory for this model, so all or part of it ran on the CPU, which takes longer."
        )
        self.device = torch.device("cpu")
        self.network = self.network.to(self.device)
        self._at_once = 1
        self._free_cache()

    def _free_cache(self) -> None:
        if self._home.type == "cuda":
            torch.cuda.empty_cache()

    def _run(self, windows: Tensor) -> Tensor:
        is_half = self._is_half and self.device.type == "cuda"
        with torch.inference_mode(), torch.autocast("cuda", torch.float16) if is_half else nullcontext():
            scores: Tensor = self.network(windows.to(self.device, non_blocking=True))
        return scores.float()


def measure_room(network: nn.Module, device: torch.device, window_shape: tuple[int, ...]) -> int:
    """Return how many windows (channel, slice, row, column) of one pass a device has room for, measured on one.

    The CPU takes one: more would not be faster and leave its caches.
    """
    if device.type != "cuda":
        return 1
    network.eval().to(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    try:
        with torch.inference_mode():
            network(torch.zeros(1, *window_shape, device=device))
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return 1
    each = max(1, torch.cuda.max_memory_allocated(device) - before)
    free, _ = torch.cuda.mem_get_info(device)
    return max(1, min(_MOST_TOGETHER, int(free * _SHARE_OF_FREE_MEMORY / each)))

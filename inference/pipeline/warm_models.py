"""Networks that stay on their device between runs, as many as measured memory allows.

What a network occupies is measured when it is loaded, what a run over it needs beside is measured while it runs. All
that fit the budget together stay; the one that was not used for the longest time goes first. Made for a worker that
runs one job at a time.
"""

from __future__ import annotations

import gc
import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import psutil
import torch

from inference.pipeline.device import pick_device

logger = logging.getLogger(__name__)

DEFAULT_SHARE = 0.6
"""Of the device's memory, for networks that stay; the rest is for images, label maps and others on the machine."""
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")

Model = TypeVar("Model")


class Meter(Protocol):
    """Tells what a device holds."""

    is_exact: bool
    """Whether a network that leaves the device shows in what is held."""

    def total_bytes(self) -> int:
        """Return the device's memory."""

    def held_bytes(self) -> int:
        """Return what this process holds of it now."""

    def begin_run(self) -> None:
        """Forget the most that was held."""

    def peak_bytes(self) -> int:
        """Return the most that was held since then, as far as it can be told."""

    def give_back(self) -> None:
        """Return to the device what is held for nobody."""


class ResidentMeter:
    """The process's resident memory, for networks on the CPU; the machine's or the container's is the total."""

    is_exact = False

    def __init__(self, total_bytes: int | None = None) -> None:
        self._total_bytes = total_bytes

    def total_bytes(self) -> int:
        """Return the memory of the machine, or of the container where that is less."""
        return self._total_bytes or min(int(psutil.virtual_memory().total), _read_cgroup_limit())

    def held_bytes(self) -> int:
        """Return the resident memory."""
        return int(psutil.Process().memory_info().rss)

    def begin_run(self) -> None:
        """Do nothing: the peak belongs to whoever measures the job."""

    def peak_bytes(self) -> int:
        """Return what is held now: images and label maps leave with the run."""
        return self.held_bytes()

    def give_back(self) -> None:
        """Let go of what nothing names any more."""
        gc.collect()


class CudaMeter:
    """A CUDA device's memory: torch's allocations, and what other libraries of this process took beside it."""

    is_exact = True

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def total_bytes(self) -> int:
        """Return the device's memory."""
        return int(torch.cuda.mem_get_info(self._device)[1])

    def held_bytes(self) -> int:
        """Return what torch has allocated, and what is taken beside torch: the device is this process's alone."""
        free, total = torch.cuda.mem_get_info(self._device)
        beside = max(0, total - free - torch.cuda.memory_reserved(self._device))
        return int(torch.cuda.memory_allocated(self._device)) + beside

    def begin_run(self) -> None:
        """Start the peak anew."""
        torch.cuda.reset_peak_memory_stats(self._device)

    def peak_bytes(self) -> int:
        """Return torch's peak, and what is taken beside torch."""
        beside = self.held_bytes() - int(torch.cuda.memory_allocated(self._device))
        return int(torch.cuda.max_memory_allocated(self._device)) + beside

    def give_back(self) -> None:
        """Empty torch's cache."""
        gc.collect()
        torch.cuda.empty_cache()


@dataclass(slots=True)
class _Warm:
    model: object
    held_bytes: int
    run_bytes: int = 0


class WarmModels:
    """Loaded networks by key, the one used last at the end.

    Parameters
    ----------
    meter
        None takes that of the device which networks run on.
    share
        Of the device's memory; None takes ``SEGWEB_WARM_MEMORY_SHARE``.
    """

    def __init__(self, meter: Meter | None = None, share: float | None = None) -> None:
        self._meter = meter
        self._share = share
        self._warm: OrderedDict[Hashable, _Warm] = OrderedDict()

    @property
    def keys(self) -> list[Hashable]:
        """Return what is loaded, the one used last at the end."""
        return list(self._warm)

    def held_bytes(self, key: Hashable) -> int:
        """Return what a loaded network was measured to occupy."""
        return self._warm[key].held_bytes

    @contextmanager
    def use(self, key: Hashable, load: Callable[[], Model], *, least_bytes: int = 0) -> Iterator[Model]:
        """Give a network for one run, loading it where it is not warm.

        Parameters
        ----------
        key
            Tells the network from every other; the device belongs to it.
        load
            Loads it onto its device.
        least_bytes
            What it occupies at least, as the size of its weights: memory that the process still held from before hides
            in a difference.
        """
        meter = self._meter or _choose_meter()
        if key not in self._warm:
            self._load(key, load, least_bytes, meter)
        warm = self._warm[key]
        self._warm.move_to_end(key)
        self._drop_until_it_fits(meter)
        before = meter.held_bytes()
        meter.begin_run()
        try:
            yield cast(Model, warm.model)
        finally:
            warm.run_bytes = max(warm.run_bytes, meter.peak_bytes() - before)
            if meter.is_exact and meter.held_bytes() < before - warm.held_bytes // 2:
                logger.warning("A network has left its device for want of memory: it is loaded anew next time.")
                self._warm.pop(key, None)
            self._drop_until_it_fits(meter)

    def clear(self) -> None:
        """Let all of them go."""
        self._warm.clear()
        (self._meter or _choose_meter()).give_back()

    def _load(self, key: Hashable, load: Callable[[], Any], least_bytes: int, meter: Meter) -> None:
        before = meter.held_bytes()
        try:
            model = load()
        except Exception as error:  # each library has a class of its own for it
            if not self._warm or not is_out_of_memory(error):
                raise
            logger.warning("Too little memory for one more network: %d others are let go.", len(self._warm))
            model = None
        if model is None:  # outside of the handler: the error still holds what was loaded by then
            self._warm.clear()
            meter.give_back()
            before = meter.held_bytes()
            model = load()
        self._warm[key] = _Warm(model, max(meter.held_bytes() - before, least_bytes))

    def _drop_until_it_fits(self, meter: Meter) -> None:
        """Let go of what was not used for the longest time, never of what was used last."""
        while len(self._warm) > 1 and self._needed_bytes() > self._budget_bytes(meter):
            _, warm = self._warm.popitem(last=False)
            logger.info("A network of %d MiB goes cold: others need its room", warm.held_bytes // 2**20)
            del warm
            meter.give_back()

    def _needed_bytes(self) -> int:
        """Return what all of them hold, and the most that a run over one of them takes beside."""
        return sum(warm.held_bytes for warm in self._warm.values()) + max(w.run_bytes for w in self._warm.values())

    def _budget_bytes(self, meter: Meter) -> float:
        share = read_share() if self._share is None else self._share
        return share * meter.total_bytes()


def read_share() -> float:
    """Return ``SEGWEB_WARM_MEMORY_SHARE``, which the settings have checked where there are any."""
    return float(os.environ.get("SEGWEB_WARM_MEMORY_SHARE") or DEFAULT_SHARE)


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether an error says that memory ran out, whichever library raised it."""
    words = str(error).lower()
    is_told = "out of memory" in words or "can't allocate memory" in words or "failed to allocate memory" in words
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or is_told


def _choose_meter() -> Meter:
    device = pick_device()
    return CudaMeter(device) if device.type == "cuda" else ResidentMeter()


def _read_cgroup_limit() -> int:
    try:
        return int(_CGROUP_LIMIT.read_text())
    except (OSError, ValueError):  # no container, or "max"
        return 2**63


WARM_MODELS = WarmModels()
"""This process's."""

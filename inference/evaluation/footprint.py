"""What one run of a model costs, measured in a process of its own. Loads torch only for a network."""

from __future__ import annotations

import multiprocessing
import os
import platform
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from inference.evaluation.cases import OutlinedCase
from inference.model_spec import ModelSpec, Progress
from inference.pipeline.segment import segment
from inference.registry import validate_parameters


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one run costs in a process of its own.

    Attributes
    ----------
    seconds
        From the image in memory to the label map, a network being loaded before.
    peak_bytes
        Of the whole process, Python and whatever is loaded included.
    shape
        (slices, rows, columns) of the image.
    """

    seconds: float
    peak_bytes: int
    shape: tuple[int, int, int]


def measure_footprint(case: OutlinedCase, spec: ModelSpec) -> Footprint:
    """Run one case twice in a process of its own; the second run, with everything loaded, is timed."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run_twice, (case, spec))


def _run_twice(case: OutlinedCase, spec: ModelSpec) -> Footprint:
    parameters = validate_parameters(spec, {}, case.image.geometry.shape)
    channels = case.colours if spec.reads_colours else ()
    seconds = 0.0
    for _ in range(2):
        began = time.perf_counter()
        segment(case.image, spec, _ignore, parameters=parameters, channels=channels)
        seconds = time.perf_counter() - began
    return Footprint(seconds, _read_peak_bytes(), case.image.geometry.shape)


def _read_peak_bytes() -> int:
    """Return the most memory this program has held; on Linux not what the process held that started it."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts in bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _ignore(progress: Progress) -> None:
    """Nobody watches a measurement window by window."""


def describe_load() -> str:
    """Return ", beside other programs" where these take the time that a run is said to need; else nothing."""
    is_busy = hasattr(os, "getloadavg") and os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1)
    return ", beside other programs" if is_busy else ""


def name_processor() -> str:
    """Return the processor's name as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        if names:
            return names[0]
    return platform.processor() or platform.machine()

"""The engine beside MONAI's sliding window and nnU-Net's predictor: time, memory, agreement, time to what is on screen.

Each contender runs in a process of its own, in turns. MONAI comes with SegWeb; nnU-Net is not part of it: give the
Python of an environment that holds nnunetv2, torch and scipy with ``--peer-python`` and it takes part.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inference.pipeline.device import count_threads
from segweb.benches.engine.cases import NETWORKS, SWEEP_CLASSES, SWEEP_SHAPES, VOLUMES, find_case, name_sweep

DESCRIPTION = "windows, memory and agreement of the engine beside MONAI and nnU-Net"
CONTENDER = Path(__file__).with_name("contender.py")
TARGETS = {
    "monai_ratio": 2.5,
    "nnunet_ratio": 5.0,
    "peak_share": 1 / 3,
    "dice": 0.999,
    "matmul_share": 0.8,
    "in_view_share": 0.1,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Choose what runs; everything takes half an hour on two cores."""
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=["thin", "5m"])
    parser.add_argument("--volumes", nargs="+", choices=sorted(VOLUMES), default=["small"])
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contender")
    parser.add_argument(
        "--sweeps",
        nargs="*",
        choices=("volume", "classes"),
        default=["volume", "classes"],
        help="with the first network",
    )
    parser.add_argument("--peers", nargs="*", choices=("monai", "nnunet"), default=["monai"])
    parser.add_argument("--peer-python", default=sys.executable, help="Python of an environment with nnunetv2")
    parser.add_argument("--backend", default="", help="backend:precision instead of the one the check picks")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--mirror", action="store_true", help="mirror windows in all eight ways, the peers' and ours alike"
    )
    parser.add_argument(
        "--unwatched", action="store_true", help="begin at the end, as runs in advance do, not where a reader looks"
    )
    parser.add_argument("--limit-s", type=int, default=1200, help="of one run")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Take turns with each peer: ours on the peer's own grid, then the peer."""
    roof = measure_matmul_roof() if options.device == "cpu" else None
    comparisons = [
        _compare(network, volume, peer, options, roof)
        for volume in options.volumes
        for network in options.networks
        for peer in options.peers
    ]
    shapes = SWEEP_SHAPES if "volume" in options.sweeps else ()
    numbers = SWEEP_CLASSES if "classes" in options.sweeps else ()
    return {
        "targets": TARGETS,
        "threads": count_threads(),
        "device": options.device,
        "mirroring": options.mirror,
        "watched": not options.unwatched,
        "matmul_gflops": roof,
        "comparisons": comparisons,
        "cost_by_volume": [_sweep(name_sweep(shape, 4), options) for shape in shapes],
        "cost_by_classes": [_sweep(name_sweep(SWEEP_SHAPES[1], number), options) for number in numbers],
        "note": "Random weights, smooth images in still air. Dice per class of our label map against the peer's own. "
        "nnU-Net sums scores in half precision, which alone changes labels where its weights are near zero. "
        "Times from the preprocessed image to labels on the series' grid. Peak memory of the process.",
    }


def measure_matmul_roof() -> float:
    """Return what the machine multiplies in single precision, in 10^9 operations a second, the best of five."""
    size = 2048
    first, second = torch.randn(size, size), torch.randn(size, size)
    best = 0.0
    for _ in range(5):
        began = time.perf_counter()
        first @ second
        best = max(best, 2 * size**3 / (time.perf_counter() - began) / 1e9)
    return round(best, 1)


def count_operations(network: str, volume: str) -> int:
    """Return the multiplications and additions of one window's convolutions and matrix products."""
    from torch.utils.flop_counter import FlopCounterMode

    from segweb.benches.engine.cases import build_network

    case = find_case(volume)
    counter: Any = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        build_network(network, case)(torch.zeros(1, case.channels, *case.window))
    return int(counter.get_total_flops())


def _compare(
    network: str, volume: str, peer: str, options: argparse.Namespace, roof: float | None
) -> dict[str, object]:
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        ours_at, theirs_at = Path(folder, "ours.npy"), Path(folder, "theirs.npy")
        checked = _run("check", network, volume, ours_at, options, rule=peer)
        backend = options.backend or checked["backend"]
        for _ in range(options.rounds):
            ours.append(_run("ours", network, volume, ours_at, options, rule=peer, backend=backend))
            theirs.append(_run(peer, network, volume, theirs_at, options, rule=peer))
        dice = measure_dice_by_class(np.load(ours_at), np.load(theirs_at))
    ratios = [b["total_s"] / a["total_s"] for a, b in zip(ours, theirs, strict=True)]
    figures: dict[str, object] = {
        "network": network,
        "volume": volume,
        "peer": peer,
        "windows": ours[0]["windows"],
        "backend": ours[-1]["backend"],
        "ours_s": spread([r["total_s"] for r in ours]),
        "peer_s": spread([r["total_s"] for r in theirs]),
        "ratio": spread(ratios),
        "ours_peak_mib": max(r["peak_mib"] for r in ours),
        "peer_peak_mib": max(r["peak_mib"] for r in theirs),
        "peak_share": max(r["peak_mib"] for r in ours) / max(r["peak_mib"] for r in theirs),
        "lowest_dice": min(dice.values()),
        "classes": len(dice),
        "in_view_share": spread([r["in_view_s"] / r["total_s"] for r in ours]),
        "slice_in_view_share": spread([r["slice_in_view_s"] / r["total_s"] for r in ours]),
        "outside_network_share": spread([1 - r["forward_s"] / r["total_s"] for r in ours]),
        "checks": checked["checks"],
    }
    if roof is not None:
        operations = count_operations(network, volume) * ours[0]["windows"]
        figures["network_gflops"] = spread([operations / r["forward_s"] / 1e9 for r in ours])
        figures["matmul_share"] = spread([operations / r["forward_s"] / 1e9 / roof for r in ours])
    return figures


def _sweep(volume: str, options: argparse.Namespace) -> dict[str, object]:
    """Return what one size costs, beside MONAI, without asking again which backend agrees."""
    network, case = options.networks[0], find_case(volume)
    backend = options.backend or ("openvino:f32" if options.device == "cpu" else "torch:f32")
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder, "labels.npy")
        for _ in range(options.rounds):
            ours.append(_run("ours", network, volume, at, options, rule="monai", backend=backend))
            theirs.append(_run("monai", network, volume, at, options, rule="monai"))
    return {
        "network": network,
        "shape": case.working_shape,
        "classes": case.classes,
        "windows": ours[0]["windows"],
        "ours_s": spread([each["total_s"] for each in ours]),
        "monai_s": spread([each["total_s"] for each in theirs]),
        "outside_network_share": spread([1 - each["forward_s"] / each["total_s"] for each in ours]),
        "ours_peak_mib": max(each["peak_mib"] for each in ours),
        "monai_peak_mib": max(each["peak_mib"] for each in theirs),
    }


def measure_dice_by_class(ours: Any, theirs: Any) -> dict[int, float]:
    """Return for each class of either label map how well they agree."""
    both = {int(label): float(((ours == label) & (theirs == label)).sum()) for label in np.union1d(ours, theirs)}
    return {label: 2.0 * n / float((ours == label).sum() + (theirs == label).sum()) for label, n in both.items()}


def spread(values: list[float]) -> dict[str, float | int]:
    """Return median, least and most."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values), "n": len(values)}


def _run(
    contender: str,
    network: str,
    volume: str,
    labels: Path,
    options: argparse.Namespace,
    *,
    rule: str,
    backend: str = "",
) -> dict[str, Any]:
    python = options.peer_python if contender == "nnunet" else sys.executable
    command = [python, "-W", "ignore", str(CONTENDER), contender, "--network", network, "--volume", volume]
    command += ["--threads", str(count_threads()), "--rule", rule, "--labels", str(labels), "--device", options.device]
    command += ["--backend", backend] if backend else []
    command += ["--mirror"] if options.mirror else []
    command += ["--unwatched"] if options.unwatched and contender == "ours" else []
    clean = os.environ | {"PYTHONPATH": ""}
    done = subprocess.run(  # noqa: S603 - our own file
        command, capture_output=True, text=True, check=False, timeout=options.limit_s, env=clean
    )
    if done.returncode:
        raise SystemExit(f"{contender} did not run {network} over {volume}:\n{done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures

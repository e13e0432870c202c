"""Measuring lesions: one of 20,000 voxels, and a hundred in a map of 512 x 512 x 300, beside other libraries."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import SimpleITK
import skimage.measure

from studies.imaging.geometry import VolumeGeometry
from studies.label_maps.label_map import LabelMap
from studies.tracking.components import find_lesions
from studies.tracking.measurement import measure_lesions

DESCRIPTION = "time to measure one lesion of 20,000 voxels and 100 lesions in 512x512x300"
TARGET_ONE_MS = 20.0
TARGET_HUNDRED_MS = 2000.0
AXIAL = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)
DIGEST = "bench"
itk: Any = SimpleITK  # neither peer is typed
scikit_image: Any = skimage.measure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the number of rounds."""
    parser.add_argument("--rounds", type=int, default=15, help="of one lesion; a fifth of them for the large map")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Take turns with the peers: ours, theirs, ours, theirs."""
    one, hundred = one_lesion(), hundred_lesions()
    return {
        "target_one_ms": TARGET_ONE_MS,
        "target_hundred_ms": TARGET_HUNDRED_MS,
        "one_lesion": {"voxels": int(np.count_nonzero(one.voxels)), **_take_turns(one, options.rounds)},
        "hundred_lesions": {
            "lesions": len(find_lesions(hundred)),
            "voxels": int(np.count_nonzero(hundred.voxels)),
            **_take_turns(hundred, max(1, options.rounds // 5)),
        },
        "note": "SimpleITK: volume and 3D Feret diameter. scikit-image: volume, largest 3D Feret diameter. "
        "Neither gives a diameter in the image plane, a perpendicular, end points or an interval. Wall and CPU time, "
        "digest of the label map not included.",
    }


def one_lesion() -> LabelMap:
    """Return a ball of 20,000 voxels in 60 x 60 x 60."""
    slices, rows, columns = np.ogrid[:60, :60, :60]
    ball = (slices - 30.2) ** 2 + (rows - 29.7) ** 2 + (columns - 30.1) ** 2 <= 16.84**2
    return LabelMap(ball.astype(np.uint8), VolumeGeometry((60, 60, 60), (1.0, 1.0, 1.0), (0, 0, 0), AXIAL))


def hundred_lesions() -> LabelMap:
    """Return a hundred ellipsoids of 2 to 20 voxels' radius, apart from each other, in 300 x 512 x 512."""
    random = np.random.default_rng(7)
    voxels = np.zeros((300, 512, 512), np.uint8)
    places = [(s, r, c) for s in (50, 150, 250) for r in range(40, 500, 80) for c in range(40, 500, 80)]
    for number in random.permutation(len(places))[:100]:
        radii = random.uniform(2.0, 20.0) * random.uniform(0.8, 1.2, 3)
        low = np.asarray(places[number]) - 25
        index = np.indices((50, 50, 50)) - 25
        inside = ((index / radii[:, None, None, None]) ** 2).sum(axis=0) <= 1.0
        voxels[low[0] : low[0] + 50, low[1] : low[1] + 50, low[2] : low[2] + 50][inside] = 1
    return LabelMap(voxels, VolumeGeometry(voxels.shape, (1.25, 0.8, 0.8), (0, 0, 0), AXIAL))


def _take_turns(label_map: LabelMap, rounds: int) -> dict[str, object]:
    contestants: dict[str, Callable[[LabelMap], object]] = {
        "segweb": lambda given: measure_lesions(given, revision_digest=DIGEST),
        "simpleitk": _measure_with_simpleitk,
        "scikit_image": _measure_with_scikit_image,
    }
    wall: dict[str, list[float]] = {name: [] for name in contestants}
    cpu: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, measure in contestants.items():
            wall_s, cpu_s = time.perf_counter(), time.process_time()
            measure(label_map)
            wall[name].append((time.perf_counter() - wall_s) * 1000)
            cpu[name].append((time.process_time() - cpu_s) * 1000)
    figures: dict[str, object] = {"n": rounds}
    for name in contestants:
        figures[name] = {
            "median_ms": round(statistics.median(wall[name]), 2),
            "fastest_ms": round(min(wall[name]), 2),
            "slowest_ms": round(max(wall[name]), 2),
            "cpu_median_ms": round(statistics.median(cpu[name]), 2),
        }
    return figures


def _measure_with_simpleitk(label_map: LabelMap) -> list[tuple[float, float]]:
    image = itk.GetImageFromArray(label_map.voxels)
    image.SetSpacing(tuple(reversed(label_map.geometry.spacing_mm)))
    shape = itk.LabelShapeStatisticsImageFilter()
    shape.ComputeFeretDiameterOn()
    shape.Execute(itk.ConnectedComponent(image, True))
    return [(shape.GetPhysicalSize(label), shape.GetFeretDiameter(label)) for label in shape.GetLabels()]


def _measure_with_scikit_image(label_map: LabelMap) -> list[tuple[float, float]]:
    image = itk.GetImageFromArray(label_map.voxels)
    components = itk.GetArrayFromImage(itk.ConnectedComponent(image, True))
    found = scikit_image.regionprops(components, spacing=label_map.geometry.spacing_mm)
    return [(float(region.area), float(region.feret_diameter_max)) for region in found]

"""MindGrab, a MeshNet that strips the skull, on real heads beside a plain threshold with morphology."""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.classical.grey_values import find_otsu_threshold
from inference.command_line import read_input
from inference.formats.imported import Naming
from inference.formats.readers import read_model
from inference.formats.store import store_model
from inference.model_spec import ModelSpec, Progress
from inference.pipeline.network_run import check_network, segment_with_network
from inference.pipeline.preprocess import find_working_shape, resample
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap
from studies.label_maps.nifti import write_nifti

DESCRIPTION = "brain volume, connectedness and agreement of MindGrab and of a threshold with morphology on real heads"
SHARED = Path(__file__).resolve().parents[3] / "shared"
MODEL = SHARED / "models" / "brainchop_meshnet" / "mindgrab"
HEADS = {
    "t1_head": SHARED / "data" / "t1_head" / "t1_crop.nii.gz",
    "mr_vs_seg_001": SHARED / "data" / "mr_vs_seg_001" / "dicom",
}
PLAUSIBLE_ML = (1100.0, 1700.0)
"""Brain of an adult, whole in the image."""
_LARGEST_END = 0.25
"""Of the largest slice's area: a brain that is larger than this where the image ends is not whole in it."""
_HEIGHTS = ("lowest_third", "middle_third", "highest_third")

Mask = npt.NDArray[np.bool_]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Choose the heads and the model."""
    parser.add_argument("--model", type=Path, default=MODEL, help="folder of a MeshNet that marks the brain")
    parser.add_argument("--heads", nargs="+", choices=sorted(HEADS), default=sorted(HEADS))
    parser.add_argument("--keep", type=Path, help="folder to write both masks to, as NIfTI")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Strip each head both ways."""
    if not options.model.is_dir():
        return {"skipped": f"There is no {options.model}."}
    with tempfile.TemporaryDirectory() as folder:
        model = read_model(options.model, Naming(name="skull_strip"))
        spec = replace(model.spec, folder=store_model(model, Path(folder)))
        checks = [
            {"backend": str(check.candidate), "sample_s": check.seconds, "lowest_dice": check.lowest_dice}
            for check in check_network(spec)[0]
        ]
        heads = {name: _strip_both_ways(name, spec, options.keep) for name in options.heads}
    return {
        "plausible_ml": PLAUSIBLE_ML,
        "checks": checks,
        "heads": heads,
        "note": "Nobody outlined these brains: agreement is not accuracy. Surface distances in mm from every surface "
        "voxel of one mask to the other's surface, both ways. Heights are thirds of the brain that MindGrab marks.",
    }


def _strip_both_ways(name: str, spec: ModelSpec, keep: Path | None) -> dict[str, object]:
    path = HEADS[name]
    if not path.exists():
        return {"skipped": f"There is no {path}."}
    volume = read_input(path, series=None, modality="MR").volume
    began = time.perf_counter()
    by_network = segment_with_network(volume, spec, _ignore, focus=(0, 0, 0)) == 1
    network_s = time.perf_counter() - began
    began = time.perf_counter()
    by_threshold = strip_by_threshold(volume)
    threshold_s = time.perf_counter() - began
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        for way, mask in (("mindgrab", by_network), ("threshold", by_threshold)):
            write_nifti(LabelMap(mask.astype(np.uint8), volume.geometry), keep / f"{name}_{way}.nii.gz")
    return {
        "covered_mm": [n * s for n, s in zip(volume.geometry.shape, volume.geometry.spacing_mm, strict=True)],
        "mindgrab": {"seconds": network_s, **describe_mask(by_network, volume.geometry)},
        "threshold": {"seconds": threshold_s, **describe_mask(by_threshold, volume.geometry)},
        "agreement": compare_masks(by_network, by_threshold, volume.geometry),
    }


def strip_by_threshold(volume: Volume) -> Mask:
    """Mark the brain as the largest tissue that hangs together once thin bridges are cut, on a grid of 1 mm.

    Otsu's threshold takes away air, cerebrospinal fluid and bone on a T1 image, the upper cut fat and vessels; bridges
    thinner than 8 mm are cut, the largest part is taken, given back what was cut and closed. That width was chosen for
    its agreement with MindGrab on `t1_head`: the best that this way can do there.
    """
    shape, spacing_mm = volume.geometry.shape, volume.geometry.spacing_mm
    image = resample(volume.voxels, find_working_shape(shape, spacing_mm, (1.0, 1.0, 1.0)))
    low = find_otsu_threshold(image.ravel()[::7])
    high = float(np.percentile(image[image > low], 97))
    tissue = (image > low) & (image < high)
    core = _largest(_shrink(tissue, 4.0))
    whole = _grow(core, 5.0) & tissue
    closed = _shrink(_grow(np.pad(whole, 8), 6.0), 6.0)[8:-8, 8:-8, 8:-8]
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in closed])
    return resample(filled.astype(np.float32), shape) > 0.5


def describe_mask(mask: Mask, geometry: VolumeGeometry) -> dict[str, object]:
    """Return volume, whether it is a brain's, and of how many parts a mask is."""
    parts, count = ndimage.label(mask)
    sizes = np.bincount(parts.ravel())[1:] if count else np.zeros(1)
    volume_ml = float(mask.sum()) * geometry.voxel_volume_ml
    areas = mask.sum(axis=(1, 2))
    is_whole = bool(max(areas[0], areas[-1]) <= _LARGEST_END * areas.max())
    return {
        "volume_ml": volume_ml,
        "is_whole": is_whole,
        "is_plausible": PLAUSIBLE_ML[0] <= volume_ml <= PLAUSIBLE_ML[1] if is_whole else None,
        "parts": int(count),
        "share_of_largest_part": float(sizes.max() / max(1, mask.sum())),
    }


def compare_masks(first: Mask, second: Mask, geometry: VolumeGeometry) -> dict[str, object]:
    """Return Dice, surface distances, and where the second mask has too much or too little of the first."""
    both = float((first & second).sum())
    distances = np.concatenate([_distances(first, second, geometry), _distances(second, first, geometry)])
    slices = np.flatnonzero(first.any(axis=(1, 2)))
    upward = float(np.reshape(geometry.direction, (3, 3))[2, 0]) >= 0
    thirds = np.array_split(slices if upward else slices[::-1], 3)
    return {
        "dice": 2.0 * both / float(first.sum() + second.sum()),
        "mean_surface_distance_mm": float(distances.mean()),
        "surface_distance_95_mm": float(np.percentile(distances, 95)),
        "threshold_beyond_mindgrab_ml": _by_height(second & ~first, thirds, geometry),
        "threshold_misses_of_mindgrab_ml": _by_height(first & ~second, thirds, geometry),
    }


def _by_height(mask: Mask, thirds: list[npt.NDArray[np.intp]], geometry: VolumeGeometry) -> dict[str, float]:
    found = {
        height: float(mask[slices].sum()) * geometry.voxel_volume_ml
        for height, slices in zip(_HEIGHTS, thirds, strict=True)
    }
    return found | {"above_or_below": float(mask.sum()) * geometry.voxel_volume_ml - sum(found.values())}


def _distances(first: Mask, second: Mask, geometry: VolumeGeometry) -> npt.NDArray[np.float64]:
    """Return from each surface voxel of one mask how far the other's surface is, mm."""
    to_second: npt.NDArray[np.float64] = ndimage.distance_transform_edt(~_surface(second), geometry.spacing_mm)
    return to_second[_surface(first)]


def _surface(mask: Mask) -> Mask:
    inner: Mask = ndimage.binary_erosion(mask)
    return mask & ~inner


def _shrink(mask: Mask, by_mm: float) -> Mask:
    distances: npt.NDArray[np.float64] = ndimage.distance_transform_edt(mask)
    return distances > by_mm


def _grow(mask: Mask, by_mm: float) -> Mask:
    distances: npt.NDArray[np.float64] = ndimage.distance_transform_edt(~mask)
    return distances <= by_mm


def _largest(mask: Mask) -> Mask:
    parts, _ = ndimage.label(mask)
    largest = int(np.bincount(parts.ravel())[1:].argmax()) + 1 if mask.any() else 1
    found: Mask = parts == largest
    return found


def _ignore(progress: Progress) -> None:
    """Nobody watches."""

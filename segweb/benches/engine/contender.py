"""One contender, in a process of its own: run as a file, by any Python that has it, it prints its figures as JSON.

Knows no Django, so that a peer's environment need hold nothing of SegWeb's.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import threading
import time
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

import torch  # noqa: E402 - the path comes first
from cases import VolumeCase, build_network, find_case, make_image  # type: ignore[import-not-found] # noqa: E402


class PeakMemory:
    """The largest resident memory of this process while something runs."""

    def __enter__(self) -> PeakMemory:
        self._most = _resident_bytes()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.01):
            self._most = max(self._most, _resident_bytes())

    @property
    def mib(self) -> float:
        """Peak in MiB, torch and the image included."""
        return self._most / 2**20


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def run_check(case: VolumeCase, network: torch.nn.Module, image: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Let SegWeb's check pick a backend, in a process of its own, as an import does long before a run."""
    from inference.pipeline.backends import choice, records

    source = choice.NetworkSource(network, None, (case.channels, *case.window), case.classes)
    sample = torch.from_numpy(_cut_sample(image, case))
    checks = choice.check_backends(source, torch.device(options.device), sample)
    return {"backend": str(records.pick_backend(checks)), "checks": [_describe(check) for check in checks]}


def run_ours(case: VolumeCase, network: torch.nn.Module, image: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Run SegWeb's engine with a backend that its check picked."""
    from inference.pipeline.averaging import Mirrored
    from inference.pipeline.backends import choice, records
    from inference.pipeline.engine import run_windows
    from inference.pipeline.labelling import Resampling
    from inference.pipeline.windows import GridRule, WindowGrid

    device = torch.device(options.device)
    source = choice.NetworkSource(network, None, (case.channels, *case.window), case.classes)
    backend, precision = options.backend.split(":")
    candidate = records.Candidate(records.Backend(backend), precision)
    timed = _Timed(choice.build_forward(source, candidate, device))
    forward: Any = Mirrored(timed, (0, 1, 2)) if options.mirror else timed
    grid = WindowGrid(case.working_shape, case.window, 0.5, GridRule(options.rule))
    resampling = Resampling(case.series_shape, case.working_shape)
    _warm_up(forward, case)
    timed.seconds = 0.0
    view = _View(case, is_watched=not options.unwatched)
    with PeakMemory() as peak:
        labels = run_windows(image, grid, resampling, forward, view, focus=view.focus)
    return {
        "labels": labels,
        "total_s": time.perf_counter() - view.began,
        "forward_s": timed.seconds,
        "in_view_s": view.box_s,
        "slice_in_view_s": view.slice_s,
        "windows": grid.window_count,
        "peak_mib": peak.mib,
        "backend": options.backend,
    }


def _warm_up(forward: Any, case: VolumeCase) -> None:
    window = torch.zeros(1, case.channels, *case.window)
    if getattr(forward, "can_weigh", False):
        forward.weigh(window, np.ones(case.window, np.float32))
    else:
        forward(window)


def _describe(check: Any) -> dict[str, Any]:
    return {
        "backend": f"{check.candidate.backend}:{check.candidate.precision}",
        "window_s": check.seconds,
        "lowest_dice": check.lowest_dice,
        "largest_error": check.largest_error,
        "problem": check.problem,
    }


class _View:
    """A reader who looks at the middle, or nobody: when labels there are final, and when the whole slice's are."""

    def __init__(self, case: VolumeCase, *, is_watched: bool) -> None:
        slices, rows, columns = case.series_shape
        self.focus = (slices // 2, rows // 2, columns // 2) if is_watched else (0, 0, 0)
        self.box_s = self.slice_s = math.nan
        self._left = rows * columns
        self.began = time.perf_counter()

    def __call__(self, progress: Any) -> None:
        if progress.slab is None:
            return
        planes, rows, columns = (
            range(first, first + n) for first, n in zip(progress.slab_origin, progress.slab.shape, strict=True)
        )
        if self.focus[0] not in planes:
            return
        now_s = time.perf_counter() - self.began
        self._left -= len(rows) * len(columns)
        if self._left == 0:
            self.slice_s = now_s
        if self.focus[1] in rows and self.focus[2] in columns:
            self.box_s = now_s


class _Timed:
    """A forward that counts its seconds."""

    def __init__(self, forward: Any) -> None:
        self.together, self.classes, self.seconds = forward.together, forward.classes, 0.0
        self._forward = forward
        self.can_weigh = getattr(forward, "can_weigh", False)
        self.has_own_threads = getattr(forward, "has_own_threads", False)

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        return self._count(self._forward, windows)

    def weigh(self, windows: torch.Tensor, share: Any) -> torch.Tensor:
        return self._count(self._forward.weigh, windows, share)

    def _count(self, call: Any, *arguments: Any) -> torch.Tensor:
        began = time.perf_counter()
        scores: torch.Tensor = call(*arguments)
        if scores.is_cuda:
            torch.cuda.synchronize()
        self.seconds += time.perf_counter() - began
        return scores


def run_monai(case: VolumeCase, network: torch.nn.Module, image: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Run MONAI's sliding window, resampling of the scores where grids differ, and argmax."""
    inferers: Any = import_module("monai.inferers")

    device = torch.device(options.device)
    network = network.to(device)
    if options.mirror:
        network = _AllWays(network)
    with torch.inference_mode():
        network(torch.zeros(1, case.channels, *case.window, device=device))
        began = time.perf_counter()
        with PeakMemory() as peak:
            scores: torch.Tensor = inferers.sliding_window_inference(
                torch.from_numpy(image)[None].to(device), case.window, 1, network, overlap=0.5, mode="gaussian"
            )
            if case.series_shape != case.working_shape:
                scores = torch.nn.functional.interpolate(scores, size=case.series_shape, mode="trilinear")
            labels = scores.argmax(1)[0].to(torch.uint8).cpu().numpy()
    return {"labels": labels, "total_s": time.perf_counter() - began, "peak_mib": peak.mib}


class _AllWays(torch.nn.Module):
    """The mean of a network's scores over all mirror images of a window: MONAI's engine has no mirroring of its own."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        flips = [axes for count in range(4) for axes in combinations((2, 3, 4), count)]
        total = sum(self.network(windows.flip(axes)).flip(axes) for axes in flips)
        return torch.as_tensor(total) / len(flips)


def run_nnunet(case: VolumeCase, network: torch.nn.Module, image: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Run nnU-Net's predictor and its export on the same preprocessed image."""
    os.environ["nnUNet_def_n_proc"] = str(torch.get_num_threads())  # noqa: SIM112 - its own spelling
    from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    plans = PlansManager(_plans(case))
    configuration = plans.get_configuration("3d_fullres")
    dataset = {
        "labels": {"background": 0, **{f"class {n}": n for n in range(1, case.classes)}},
        "channel_names": {str(n): "MR" for n in range(case.channels)},
        "file_ending": ".nii.gz",
    }
    predictor = nnUNetPredictor(
        use_mirroring=bool(options.mirror), device=torch.device(options.device), allow_tqdm=False, verbose=False
    )
    predictor.manual_initialization(network, plans, configuration, [network.state_dict()], dataset, "bench", (0, 1, 2))
    spacing = [w / s for w, s in zip(case.working_shape, case.series_shape, strict=True)]
    whole = {
        "spacing": spacing,
        "shape_before_cropping": case.series_shape,
        "shape_after_cropping_and_before_resampling": case.series_shape,
        "bbox_used_for_cropping": [[0, n] for n in case.series_shape],
    }
    began = time.perf_counter()
    with PeakMemory() as peak:
        scores = predictor.predict_logits_from_preprocessed_data(torch.from_numpy(image))
        labels = convert_predicted_logits_to_segmentation_with_correct_shape(
            scores, plans, configuration, plans.get_label_manager(dataset), whole, False, torch.get_num_threads()
        )
    return {"labels": np.asarray(labels), "total_s": time.perf_counter() - began, "peak_mib": peak.mib}


def _plans(case: VolumeCase) -> dict[str, Any]:
    resample = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}
    return {
        "dataset_name": "bench",
        "plans_name": "bench",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "image_reader_writer": "SimpleITKIO",
        "label_manager": "LabelManager",
        "configurations": {
            "3d_fullres": {
                "data_identifier": "bench",
                "patch_size": list(case.window),
                "batch_size": 2,
                "spacing": [1.0, 1.0, 1.0],
                "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
                "resampling_fn_probabilities_kwargs": resample,
                "normalization_schemes": ["NoNormalization"] * case.channels,
                "use_mask_for_norm": [False] * case.channels,
                "architecture": {"network_class_name": "bench", "arch_kwargs": {}, "_kw_requires_import": []},
            }
        },
    }


def _cut_sample(image: Any, case: VolumeCase) -> Any:
    middle = [(n - w) // 2 for n, w in zip(case.working_shape, case.window, strict=True)]
    return image[(None, slice(None), *(slice(m, m + w) for m, w in zip(middle, case.window, strict=True)))].copy()


def main() -> None:
    """Run one contender and print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("contender", choices=("check", "ours", "monai", "nnunet"))
    parser.add_argument("--network", required=True)
    parser.add_argument("--volume", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rule", default="monai")
    parser.add_argument("--mirror", action="store_true")
    parser.add_argument("--unwatched", action="store_true")
    parser.add_argument("--backend", default="")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--labels", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    os.environ["SEGWEB_TORCH_THREADS"] = str(options.threads)
    case = find_case(options.volume)
    network, image = build_network(options.network, case), make_image(case)
    run = {"check": run_check, "ours": run_ours, "monai": run_monai, "nnunet": run_nnunet}[options.contender]
    figures = run(case, network, image, options)
    if "labels" in figures:
        np.save(options.labels, figures.pop("labels"))
    sys.stdout.write("\n" + json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()

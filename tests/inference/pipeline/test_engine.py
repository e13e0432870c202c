"""The engine with a small random network: what comes first may differ, what comes out may not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from inference.model_spec import CancelledError, Progress
from inference.pipeline.device import Forward
from inference.pipeline.engine import Accumulator, NetworkOutputError, run_windows
from inference.pipeline.networks import build_network
from inference.pipeline.postprocess import SliceLabeller, find_positions
from inference.pipeline.preprocess import pad_to_window, resample
from inference.pipeline.windows import WindowGrid
from tests.inference.volumes import Recorder, ball, measure_dice

WINDOW = (8, 16, 16)


def make_forward(classes: int = 3) -> Forward:
    torch.manual_seed(3)
    network = build_network("unet", (4, 8, 8), classes)
    torch.nn.init.normal_(network.head.weight, std=30.0)  # scores far apart, so that every class wins somewhere
    torch.nn.init.zeros_(network.head.bias)
    return Forward(network, torch.device("cpu"))


def make_case(
    shape: tuple[int, int, int], working: tuple[int, int, int]
) -> tuple[npt.NDArray[np.float32], SliceLabeller]:
    voxels = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    image = pad_to_window(resample(voxels, working), WINDOW)
    return image, SliceLabeller(WindowGrid(image.shape, WINDOW, 0.5), shape, working)


CASES = [
    ((22, 40, 36), (22, 40, 36)),  # the series' own grid
    ((30, 50, 44), (21, 33, 30)),  # a coarser grid
    ((12, 24, 20), (25, 40, 30)),  # a finer grid
    ((1, 20, 20), (1, 20, 20)),  # one slice
    ((3, 5, 4), (2, 3, 3)),  # smaller than a window everywhere
]


@pytest.mark.parametrize(("shape", "working"), CASES)
def test_the_label_map_does_not_depend_on_where_the_reader_looks(
    shape: tuple[int, int, int], working: tuple[int, int, int]
) -> None:
    image, labeller = make_case(shape, working)
    forward = make_forward()
    reference = run_windows(image, labeller, forward, lambda progress: None, focus_slice=0)
    last = shape[0] - 1
    looks: list[tuple[int, list[int | None]]] = [
        (last, []),
        (shape[0] // 2, []),
        (0, [last, 0, None, shape[0] // 3]),
        (10_000, [-5, 10_000]),
    ]
    for focus, moves in looks:
        recorder = Recorder(shape, moves)
        labels = run_windows(image, labeller, forward, recorder, focus_slice=focus)
        np.testing.assert_array_equal(labels, reference)
        np.testing.assert_array_equal(recorder.voxels, reference)


def test_a_random_network_marks_more_than_one_class() -> None:
    """Otherwise the comparisons of label maps here would compare nothing."""
    image, labeller = make_case(*CASES[1])
    labels = run_windows(image, labeller, make_forward(), lambda progress: None, focus_slice=0)
    assert len(np.unique(labels)) > 1


def test_labels_equal_summing_everything_first() -> None:
    shape = (22, 40, 36)
    image, labeller = make_case(shape, shape)
    forward = make_forward()
    total = np.zeros((3, *shape), np.float64)
    grid = labeller.grid
    for z in grid.starts[0]:
        for y in grid.starts[1]:
            for x in grid.starts[2]:
                at = (slice(z, z + 8), slice(y, y + 16), slice(x, x + 16))
                total[(slice(None), *at)] += forward(image[at]).astype(np.float64) * grid.window_weights
    ordered = np.sort(total, axis=0)
    clear = ordered[-1] - ordered[-2] > 1e-3  # fixed point may decide a tie within its resolution
    labels = run_windows(image, labeller, forward, lambda progress: None, focus_slice=4)
    np.testing.assert_array_equal(labels[clear], total.argmax(axis=0)[clear])
    assert clear.mean() > 0.95


def test_the_slab_on_screen_is_final_first() -> None:
    shape = (64, 16, 16)
    image, labeller = make_case(shape, shape)
    for focus in (0, 20, 40, 63):
        recorder = Recorder(shape)
        run_windows(image, labeller, make_forward(), recorder, focus_slice=focus)
        start, stop = recorder.slabs[0]
        assert start <= focus < stop
        first = next(i for i, report in enumerate(recorder.reports) if report.slab is not None)
        assert recorder.reports[first].windows_done <= 3  # of 15: the layers that cover one slice


def test_following_the_reader_finishes_what_is_looked_at() -> None:
    shape = (64, 16, 16)
    image, labeller = make_case(shape, shape)
    recorder = Recorder(shape, [63])
    run_windows(image, labeller, make_forward(), recorder, focus_slice=0)
    assert recorder.slabs[:2] == [(0, 4), (60, 64)]  # what the first window made final, then the other end


def test_progress_counts_every_window_once() -> None:
    shape = (22, 40, 36)
    image, labeller = make_case(shape, shape)
    recorder = Recorder(shape)
    run_windows(image, labeller, make_forward(), recorder, focus_slice=9)
    counts = [report.windows_done for report in recorder.reports if report.slab is None]
    total = 5 * 4 * 4  # starts 0, 4, 8, 12, 14 by 0, 8, 16, 24 by 0, 8, 16, 20
    assert counts == list(range(1, total + 1))
    assert {report.windows_total for report in recorder.reports} == {total}


def test_sums_are_freed_as_the_sweep_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (120, 16, 16)
    image, labeller = make_case(shape, shape)
    held: list[int] = []
    add = Accumulator.add

    def watch(self: Accumulator, start: tuple[int, int, int], scores: npt.NDArray[np.float32]) -> bool:
        whole = add(self, start, scores)
        held.append(len(self.sums))
        return whole

    monkeypatch.setattr(Accumulator, "add", watch)
    run_windows(image, labeller, make_forward(), lambda progress: None, focus_slice=60)
    assert max(held) <= 4 * WINDOW[0]  # of 120: a window's slices at either end of what is done


def test_cancelling_stops_before_the_next_window() -> None:
    shape = (22, 40, 36)
    image, labeller = make_case(shape, shape)
    inner, seen = make_forward(), []

    def forward(window: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        seen.append(1)
        return inner(window)

    def stop_after_three(progress: Progress) -> None:
        if progress.windows_done == 3:
            raise CancelledError

    with pytest.raises(CancelledError):
        run_windows(image, labeller, forward, stop_after_three, focus_slice=0)
    assert len(seen) == 3


def test_a_network_that_answers_nan_is_stopped() -> None:
    shape = (8, 16, 16)
    image, labeller = make_case(shape, shape)

    def forward(window: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.full((2, *window.shape), np.nan, np.float32)

    with pytest.raises(NetworkOutputError) as caught:
        run_windows(image, labeller, forward, lambda progress: None, focus_slice=0)
    assert caught.value.code == "network.not_finite"


def test_huge_scores_do_not_overflow() -> None:
    shape = (24, 48, 48)
    image, labeller = make_case(shape, shape)

    def forward(window: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.stack([np.full(window.shape, -1e30, np.float32), np.full(window.shape, 1e30, np.float32)])

    assert (run_windows(image, labeller, forward, lambda progress: None, focus_slice=0) == 1).all()


def test_a_ball_comes_back_on_the_series_own_grid() -> None:
    """A network that scores grey values above a half, on a coarser grid, finds the ball where it is."""
    shape, spacing = (40, 60, 60), (1.0, 1.0, 1.0)
    truth = ball(shape, (18.0, 33.0, 25.0), 12.0, spacing)
    working = (27, 40, 40)
    image = pad_to_window(resample(truth.astype(np.float32), working), WINDOW)
    labeller = SliceLabeller(WindowGrid(image.shape, WINDOW, 0.5), shape, working)

    def forward(window: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.stack([np.full_like(window, 0.5), window])

    labels = run_windows(image, labeller, forward, lambda progress: None, focus_slice=18)
    assert measure_dice(labels, truth) > 0.97
    np.testing.assert_allclose(np.argwhere(labels).mean(axis=0), (18.0, 33.0, 25.0), atol=0.1)


def test_positions_are_voxel_centres() -> None:
    positions = find_positions(4, 2)  # centres at -0.25, 0.25, 0.75, 1.25 of the coarse axis
    np.testing.assert_array_equal(positions.below, [0, 0, 0, 1])
    np.testing.assert_allclose(positions.share, [0.0, 0.25, 0.75, 0.0])

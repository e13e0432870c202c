"""The engine with a small random network: what comes first may differ, what comes out may not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from inference.model_spec import CancelledError, Progress
from inference.pipeline.averaging import Ensemble, Mirrored
from inference.pipeline.backends.torch_backend import TorchForward
from inference.pipeline.engine import NetworkOutputError, run_windows
from inference.pipeline.labelling import DecideByRegions, Resampling, decide_by_highest, find_positions, join_tiles
from inference.pipeline.networks import build_network
from inference.pipeline.preprocess import pad_to_window, resample
from inference.pipeline.tiles import TileSums
from inference.pipeline.windows import GridRule, WindowGrid
from tests.inference.volumes import Recorder, ball, measure_dice

Shape = tuple[int, int, int]
WINDOW = (8, 16, 16)


class Call:
    """A function of one window, as the engine asks for it; counts its calls."""

    together = 1
    classes = 2

    def __init__(self, score: Callable[[Tensor], Tensor]) -> None:
        self.score = score
        self.calls = 0

    def __call__(self, windows: Tensor) -> Tensor:
        self.calls += 1
        return torch.stack([self.score(window[0]) for window in windows])


def make_forward(classes: int = 3, together: int = 1) -> TorchForward:
    torch.manual_seed(3)
    network = build_network("unet", {"channels": (4, 8, 8)}, classes)
    torch.nn.init.normal_(network.head.weight, std=30.0)  # scores far apart, so that every class wins somewhere
    torch.nn.init.zeros_(network.head.bias)
    return TorchForward(network, torch.device("cpu"), classes=classes, together=together)


def make_case(shape: Shape, working: Shape, rule: GridRule = GridRule.MONAI, overlap: float = 0.5):
    voxels = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    image, before = pad_to_window(resample(voxels, working)[None], WINDOW, 0.0)
    return image, WindowGrid(image.shape[1:], WINDOW, overlap, rule), Resampling(shape, working, before)


def ignore(progress: Progress) -> None:
    return None


CASES = [
    ((22, 40, 36), (22, 40, 36)),  # the series' own grid
    ((30, 50, 44), (21, 33, 30)),  # a coarser grid
    ((12, 24, 20), (25, 40, 30)),  # a finer grid
    ((1, 20, 20), (1, 20, 20)),  # one slice
    ((3, 5, 4), (2, 3, 3)),  # smaller than a window everywhere
]
RULED_CASES = [
    *((*case, GridRule.MONAI) for case in CASES),
    *((*CASES[1], rule) for rule in (GridRule.MONAI_CONSTANT, GridRule.NNUNET)),
]


@pytest.mark.parametrize(("shape", "working", "rule"), RULED_CASES)
def test_the_label_map_does_not_depend_on_where_the_reader_looks(shape: Shape, working: Shape, rule: GridRule) -> None:
    case = make_case(shape, working, rule)
    forward = make_forward()
    reference = run_windows(*case, forward, ignore, focus=(0, 0, 0))
    z, y, x = (n - 1 for n in shape)
    looks: list[tuple[Shape, list[Shape | None]]] = [
        ((z, y, x), []),
        ((z // 2, 0, x), []),
        ((0, 0, 0), [(z, 0, 0), (0, y, x), None, (z // 3, y // 2, 0)]),
        ((10_000, 10_000, 10_000), [(-5, -5, -5), (10_000, 0, 0)]),
    ]
    for focus, moves in looks:
        recorder = Recorder(shape, moves)
        labels = run_windows(*case, forward, recorder, focus=focus)
        np.testing.assert_array_equal(labels, reference)
        np.testing.assert_array_equal(recorder.voxels, reference)


def test_windows_that_run_together_do_so_from_any_place() -> None:
    case = make_case(*CASES[1])
    forward = make_forward(together=3)
    results = [run_windows(*case, forward, ignore, focus=focus) for focus in ((0, 0, 0), (29, 49, 43), (12, 3, 40))]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])
    assert measure_dice(results[0] == 1, run_windows(*case, make_forward(), ignore, focus=(0, 0, 0)) == 1) > 0.999


def test_a_random_network_marks_more_than_one_class() -> None:
    """Otherwise the comparisons of label maps here would compare nothing."""
    assert len(np.unique(run_windows(*make_case(*CASES[1]), make_forward(), ignore, focus=(0, 0, 0)))) > 1


def average(case: tuple[npt.NDArray[np.float32], WindowGrid, Resampling], forward: TorchForward) -> Tensor:
    """Return the scores (class, slice, row, column) on the padded grid as both references average them."""
    image, grid, _ = case
    total = torch.zeros(forward.classes, *grid.shape, dtype=torch.float64)
    for number in product(*(range(len(axis.starts)) for axis in grid.axes)):
        at = tuple(slice(s, s + w) for s, w in zip(grid.start_of(number), WINDOW, strict=True))
        window = torch.from_numpy(image[(slice(None), *at)].copy())
        total[(slice(None), *at)] += forward(window[None])[0].double() * torch.tensor(grid.weigh_share(number))
    return total


@pytest.mark.parametrize(("shape", "working", "rule"), RULED_CASES)
def test_labels_equal_averaging_and_interpolating_everything_first(
    shape: Shape, working: Shape, rule: GridRule
) -> None:
    case = make_case(shape, working, rule)
    forward = make_forward()
    inner = tuple(slice(b, b + n) for b, n in zip(case[2].before, working, strict=True))
    scores = average(case, forward)[(slice(None), *inner)]
    # linear, voxel centres over the same extent, the edge not extrapolated
    scores = torch.nn.functional.interpolate(scores[None], size=shape, mode="trilinear", align_corners=False)[0]
    ordered = np.sort(scores.numpy(), axis=0)
    clear = ordered[-1] - ordered[-2] > 1e-3  # fixed point may decide a tie within its resolution
    labels = run_windows(*case, forward, ignore, focus=(4, 4, 4))
    np.testing.assert_array_equal(labels[clear], scores.numpy().argmax(axis=0)[clear])
    assert clear.mean() > 0.95


def test_nearest_along_the_slices_takes_whole_slices() -> None:
    """Thick slices are not mixed: as the reference does where a network's slices are far apart."""
    shape, working = (4, 16, 16), (8, 16, 16)
    image = np.zeros((1, *working), np.float32)
    image[0, 3] = 1.0  # the series' slice 1 lies between the working slices 2 and 3
    forward = Call(lambda window: torch.stack([torch.full_like(window, 0.6), window]))
    grid = WindowGrid(working, WINDOW, 0.5)
    linear = run_windows(image, grid, Resampling(shape, working), forward, ignore, focus=(0, 0, 0))
    nearest = run_windows(
        image, grid, Resampling(shape, working, is_linear=(False, True, True)), forward, ignore, focus=(0, 0, 0)
    )
    assert [bool(plane.any()) for plane in linear] == [False, False, False, False]  # half of 1.0 is below 0.6
    assert [bool(plane.any()) for plane in nearest] == [False, True, False, False]  # 2.5 rounds up to slice 3


def test_regions_paint_over_each_other_in_their_order() -> None:
    image = np.zeros((1, 8, 16, 16), np.float32)
    image[0, :, 4:12, 4:12] = 1.0
    image[0, :, 6:10, 6:10] = 3.0
    forward = Call(lambda window: torch.stack([window - 0.5, window - 2.0]))
    labels = run_windows(
        image,
        WindowGrid((8, 16, 16), WINDOW, 0.5),
        Resampling((8, 16, 16), (8, 16, 16)),
        forward,
        ignore,
        focus=(0, 0, 0),
        decide=DecideByRegions((2, 1)),
    )
    assert np.unique(labels, return_counts=True)[1].tolist() == [8 * (256 - 64), 8 * 16, 8 * (64 - 16)]
    assert labels[0, 7, 7] == 1


def holds(report: Progress, voxel: Shape) -> bool:
    if report.slab is None:
        return False
    return all(s <= at < s + n for s, n, at in zip(report.slab_origin, report.slab.shape, voxel, strict=True))


def test_the_place_on_screen_is_final_first() -> None:
    shape = (12, 64, 48)
    case = make_case(shape, shape)
    for focus in ((0, 0, 0), (6, 30, 30), (11, 63, 20)):
        recorder = Recorder(shape)
        run_windows(*case, make_forward(), recorder, focus=focus)
        assert next(report for report in recorder.reports if holds(report, focus)).windows_done <= 8  # over one voxel
        assert recorder.reports[-1].windows_total == 2 * 7 * 5


def test_following_the_reader_finishes_what_is_looked_at() -> None:
    shape = (12, 64, 48)
    recorder = Recorder(shape, [(10, 60, 40)])
    run_windows(*make_case(shape, shape), make_forward(), recorder, focus=(0, 0, 0))
    assert next(report for report in recorder.reports if holds(report, (10, 60, 40))).windows_done <= 9


def test_progress_counts_every_window_once() -> None:
    shape = (22, 40, 36)
    recorder = Recorder(shape)
    run_windows(*make_case(shape, shape), make_forward(), recorder, focus=(9, 9, 9))
    counts = [report.windows_done for report in recorder.reports if report.slab is None]
    total = 5 * 4 * 4  # starts 0, 4, 8, 12, 14 by 0, 8, 16, 24 by 0, 8, 16, 20
    assert counts == list(range(1, total + 1))
    assert {report.windows_total for report in recorder.reports} == {total}


@pytest.mark.parametrize("working", [(16, 160, 16), (12, 120, 12)])
@pytest.mark.parametrize(("row", "most_windows"), [(80, 3.0), (0, 1.5)], ids=["to both sides", "from the end"])
def test_sums_are_freed_as_the_sweep_passes(
    monkeypatch: pytest.MonkeyPatch, working: Shape, row: int, most_windows: float
) -> None:
    shape = (16, 160, 16)
    held: list[int] = []
    runs: list[TileSums] = []
    add = TileSums.add

    def watch(self: TileSums, number: Shape, units: Tensor) -> list[Shape]:
        completed = add(self, number, units)
        runs.append(self)
        held.append(sum(tile[0].numel() for tile in self.tiles.values()))
        return completed

    monkeypatch.setattr(TileSums, "add", watch)
    run_windows(*make_case(shape, working), make_forward(), ignore, focus=(8, row, 8))
    assert max(held) <= most_windows * 16 * 16 * WINDOW[1]  # of ten windows' extent along the rows
    assert not runs[-1].tiles


def test_air_is_computed_once() -> None:
    """Windows of one value give the same scores; the others are all run."""
    image = np.full((1, 8, 160, 16), -1.0, np.float32)
    image[0, :, 150:, :] = np.random.default_rng(1).normal(size=(8, 10, 16))
    forward = Call(lambda window: torch.stack([torch.zeros_like(window), window]))
    shape = (8, 160, 16)
    labels = run_windows(
        image, WindowGrid(shape, WINDOW, 0.5), Resampling(shape, shape), forward, ignore, focus=(0, 0, 0)
    )
    np.testing.assert_array_equal(labels, image[0] > 0)
    assert forward.calls == 1 + 2  # starts 136 and 144 reach the rows from 150 on


def test_cancelling_stops_before_the_next_window() -> None:
    shape = (22, 40, 36)
    forward = Call(lambda window: torch.stack([window, -window]))

    def stop_after_three(progress: Progress) -> None:
        if progress.windows_done == 3:
            raise CancelledError

    with pytest.raises(CancelledError):
        run_windows(*make_case(shape, shape), forward, stop_after_three, focus=(0, 0, 0))
    assert forward.calls == 3


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_network_that_answers_nan_is_stopped(value: float) -> None:
    shape = (8, 16, 16)
    forward = Call(lambda window: torch.full((2, *window.shape), value))
    with pytest.raises(NetworkOutputError) as caught:
        run_windows(*make_case(shape, shape), forward, ignore, focus=(0, 0, 0))
    assert caught.value.code == "network.not_finite"


def test_huge_scores_do_not_overflow() -> None:
    shape = (24, 48, 48)
    forward = Call(lambda window: torch.stack([torch.full_like(window, -1e30), torch.full_like(window, 1e30)]))
    assert (run_windows(*make_case(shape, shape), forward, ignore, focus=(0, 0, 0)) == 1).all()


def test_a_ball_comes_back_on_the_series_own_grid() -> None:
    """A network that scores grey values above a half, on a coarser grid, finds the ball where it is."""
    shape, spacing = (40, 60, 60), (1.0, 1.0, 1.0)
    truth = ball(shape, (18.0, 33.0, 25.0), 12.0, spacing)
    working = (27, 40, 40)
    image = resample(truth.astype(np.float32), working)[None]
    forward = Call(lambda window: torch.stack([torch.full_like(window, 0.5), window]))
    labels = run_windows(
        image, WindowGrid(working, WINDOW, 0.5), Resampling(shape, working), forward, ignore, focus=(18, 33, 25)
    )
    assert measure_dice(labels, truth) > 0.97
    np.testing.assert_allclose(np.argwhere(labels).mean(axis=0), (18.0, 33.0, 25.0), atol=0.1)


def test_positions_are_voxel_centres() -> None:
    positions = find_positions(4, 2, before=3)  # centres at -0.25, 0.25, 0.75, 1.25 of the coarse axis
    np.testing.assert_array_equal(positions.below, [3, 3, 3, 4])
    np.testing.assert_array_equal(positions.above, [3, 4, 4, 4])
    np.testing.assert_allclose(positions.share, [0.0, 0.25, 0.75, 0.0])


def test_neighbouring_tiles_are_joined_to_boxes() -> None:
    block = [(0, y, x) for y in range(2) for x in range(3)]
    assert join_tiles([*block, (2, 0, 0)]) == [((0, 0, 0), (0, 1, 2)), ((2, 0, 0), (2, 0, 0))]
    assert join_tiles([(0, 0, 0), (0, 0, 1), (0, 1, 0)]) == [((0, 0, 0), (0, 0, 1)), ((0, 1, 0), (0, 1, 0))]


@pytest.mark.parametrize("classes", [2, 3, 4, 5, 25, 33])
@pytest.mark.parametrize("dtype", [torch.int32, torch.float32])
def test_the_highest_score_wins_and_of_equal_ones_the_first(classes: int, dtype: torch.dtype) -> None:
    random = torch.Generator().manual_seed(4)
    scores = (
        torch.randint(-(2**23), 2**23, (classes, 6, 7), generator=random) * 128
    )  # further apart than 33 classes need
    scores[-1, 0] = scores[0, 0] = 2**30
    expected = scores.argmax(0)
    assert (expected[0] == 0).all()
    np.testing.assert_array_equal(decide_by_highest(scores.to(dtype)).numpy(), expected.numpy())


@pytest.mark.parametrize("is_own", [True, False])
def test_torch_stands_aside_while_a_network_computes_in_threads_of_its_own(is_own: bool) -> None:
    seen: list[int] = []

    def score(window: Tensor) -> Tensor:
        seen.append(torch.get_num_threads())
        return torch.stack([window, -window])

    forward = Call(score)
    forward.has_own_threads = is_own
    image, grid, resampling = make_case((12, 20, 20), (12, 20, 20))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run_windows(image, grid, resampling, forward, ignore, focus=(0, 0, 0))
        assert set(seen) == {1 if is_own else 2}
        assert torch.get_num_threads() == 2, "the next network may need torch's threads"
    finally:
        torch.set_num_threads(before)


def test_a_mirrored_network_says_whose_threads_it_uses() -> None:
    own, other = Call(lambda window: window[None]), Call(lambda window: window[None])
    own.has_own_threads = True
    assert Mirrored(own, (0,)).has_own_threads
    assert not Mirrored(other, (0,)).has_own_threads
    assert not Ensemble((own, other)).has_own_threads

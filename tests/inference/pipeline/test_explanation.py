"""What a network's answer rests on: found where it is known, by every way of asking."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from inference.model_spec import CancelledError, Method, ModelSpec, Progress
from inference.network_spec import InputChannel, NetworkSpec, Normalisation, Scheme, WeightsFile
from inference.pipeline import attribution, explained_network
from inference.pipeline.attribution import choose_patches
from inference.pipeline.backends.choice import NetworkSource
from inference.pipeline.explain import explain
from inference.pipeline.explanation import (
    Explained,
    ExplanationMethod,
    LesionLostError,
    NoGradientsError,
    NoLayersError,
    NoNetworkError,
    NoNnunetError,
    OneChannelError,
    require_explainable,
)
from inference.pipeline.lesion_score import Answer, LesionScore, Slices
from inference.pipeline.networks import build_network
from inference.pipeline.run_notes import gather_notes
from inference.pipeline.three_planes import InThreePlanes
from inference.registry import get_model
from studies.label_maps.label_map import SegmentDescription
from tests.inference.volumes import ball, make_volume

SHAPE = (6, 16, 16)
TISSUE = 100.0
DARK, BRIGHT = (slice(1, 5), slice(2, 6), slice(3, 7)), (slice(1, 5), slice(9, 13), slice(9, 13))
LESION = np.zeros(SHAPE, np.bool_)
LESION[2:4, 10:12, 2:4] = True
"""Neither here nor there: what the answer rests on is not where it is given."""


class RestsOnDark(nn.Module):
    """Marks everything, as strongly as the last channel holds dark tissue anywhere; bright tissue it sees as well."""

    def __init__(self, channels: int = 1, *, against: float = 0.0) -> None:
        super().__init__()
        self.levels = nn.Conv3d(channels, 4, 1)
        self.relu = nn.ReLU(inplace=True)
        self.kinds = nn.Conv3d(4, 3, 1)
        self.head = nn.Conv3d(3, 2, 1)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()
            self.levels.weight[:, -1, 0, 0, 0] = 1.0
            self.levels.bias[:] = torch.tensor([-20.0, -60.0, -100.0, -TISSUE])
            self.kinds.weight[0, :3, 0, 0, 0] = torch.tensor([1.0, -2.0, 1.0])  # 0 at 20, 40 at 60, 0 from 100 on
            self.kinds.weight[1, 3] = 1.0
            self.head.weight[1, :2, 0, 0, 0] = torch.tensor([1.0, -against])
            self.head.bias[1] = -1.0

    def forward(self, image: Tensor) -> Tensor:
        kinds = self.relu(self.kinds(self.relu(self.levels(image))))
        return self.head(kinds.mean((2, 3, 4), keepdim=True).expand_as(kinds))


def make_image() -> np.ndarray:
    voxels = np.zeros(SHAPE, np.float32)
    voxels[:, 1:14, 1:14] = TISSUE
    voxels[DARK], voxels[BRIGHT] = 60.0, 160.0
    return voxels


def make_spec(channels: int = 1, architecture: str = "unet", **changes: object) -> ModelSpec:
    network = NetworkSpec(
        architecture, {}, (WeightsFile("weights.pt", ""),), SHAPE,
        channels=tuple(InputChannel(f"channel {n}", Normalisation(Scheme.NONE)) for n in range(channels)),
    )  # fmt: skip
    return ModelSpec(
        "rests", "1", "Rests on dark", "", "", Method.NETWORK, frozenset(), (SegmentDescription(1, "Lesion"),),
        network=replace(network, **changes),
    )  # fmt: skip


@pytest.fixture
def use_module(monkeypatch: pytest.MonkeyPatch) -> Callable[[nn.Module], None]:
    """Let a module stand where a weights file would have been read."""

    def use(module: nn.Module) -> None:
        module.eval()
        monkeypatch.setattr(
            explained_network,
            "source_of",
            lambda network, file, scores, folder: NetworkSource(module, None, (len(network.channels), *SHAPE), scores),
        )

    return use


def ask(
    method: ExplanationMethod,
    *images: np.ndarray,
    spec: ModelSpec | None = None,
    lesion: np.ndarray = LESION,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Explained:
    volume = make_volume(images[0] if images else make_image())
    return explain(
        volume,
        spec or make_spec(max(1, len(images))),
        on_progress,
        method=method,
        segment_number=1,
        lesion=lesion,
        channels=images if len(images) > 1 else (),
    )


def values_of(explained: Explained) -> np.ndarray:
    found = explained.found
    assert found is not None
    return found.low + (found.high - found.low) * found.voxels.astype(np.float64) / 255.0


def score_by_hand(image: np.ndarray) -> float:
    """The log-odds of two classes of which the first scores 0."""
    return float(np.maximum(0.0, 40.0 - np.abs(image - 60.0)).mean()) - 1.0


@pytest.mark.parametrize("method", [method for method in ExplanationMethod if method.value != "channel_ablation"])
def test_every_map_finds_the_place_that_the_answer_rests_on(
    method: ExplanationMethod, use_module: Callable[[nn.Module], None]
) -> None:
    use_module(RestsOnDark())
    explained = ask(method)
    assert explained.score == pytest.approx(score_by_hand(make_image()), rel=1e-4)
    values = np.abs(values_of(explained))
    assert values[DARK].mean() > 0.5 * values.max()
    assert values[BRIGHT].max() <= 0.01 * values.max(), "what the network sees and does not mind"
    assert values[LESION].max() <= 0.01 * values.max(), "where the answer is given, but does not rest on"


def test_occlusion_is_what_covering_by_hand_gives(use_module: Callable[[nn.Module], None]) -> None:
    use_module(RestsOnDark())
    patches = choose_patches(SHAPE, int(LESION.sum()), LESION.size)
    image = make_image()
    falls, counts = np.zeros(SHAPE), np.zeros(SHAPE)
    starts = [
        range(0, -(-(n - size) // step) * step + 1, step) if n > size else range(1)
        for n, size, step in zip(SHAPE, patches.size, patches.stride, strict=True)
    ]
    for z in starts[0]:
        for y in starts[1]:
            for x in starts[2]:
                box = tuple(slice(s, s + size) for s, size in zip((z, y, x), patches.size, strict=True))
                covered = image.copy()
                covered[box] = TISSUE
                falls[box] += score_by_hand(image) - score_by_hand(covered)
                counts[box] += 1
    explained = ask(ExplanationMethod.OCCLUSION)
    expected = falls / counts
    np.testing.assert_allclose(values_of(explained), expected, atol=expected.max() / 250)
    assert explained.found is not None
    assert explained.found.high == pytest.approx(expected.max(), rel=1e-4)
    assert explained.found.unit == "log-odds"


def test_what_speaks_against_the_answer_has_the_other_sign(use_module: Callable[[nn.Module], None]) -> None:
    use_module(RestsOnDark(against=0.5))
    for method in (ExplanationMethod.OCCLUSION, ExplanationMethod.INTEGRATED_GRADIENTS):
        values = values_of(ask(method))
        assert values[DARK].mean() > 0 > values[BRIGHT].mean()
        assert values[LESION].max() == pytest.approx(0.0, abs=1e-9), "nothing is exactly nothing"


def test_channels_are_told_apart(use_module: Callable[[nn.Module], None]) -> None:
    use_module(RestsOnDark(2))
    idle = np.random.default_rng(1).normal(TISSUE, 20.0, SHAPE).astype(np.float32)
    explained = ask(ExplanationMethod.CHANNEL_ABLATION, idle, make_image())
    assert explained.found is None
    first, second = explained.effects
    assert (first.channel, first.score_fall, first.kept_share) == ("channel 0", 0.0, 1.0)
    assert second.score_fall == pytest.approx(score_by_hand(make_image()) + 1.0, rel=1e-4)
    assert second.kept_share == 0.0


class Closed(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        level = image.detach().mean((2, 3, 4), keepdim=True)
        return torch.cat((torch.zeros_like(image), level - image.detach()), 1)


def test_a_network_that_cannot_be_asked_says_so(use_module: Callable[[nn.Module], None]) -> None:
    use_module(torch.jit.script(Closed()))
    assert values_of(ask(ExplanationMethod.OCCLUSION)).max() > 0
    with pytest.raises(NoGradientsError):
        ask(ExplanationMethod.INTEGRATED_GRADIENTS)
    with pytest.raises(NoLayersError):
        ask(ExplanationMethod.GRAD_CAM_DEEPEST)


def test_a_script_gives_gradients_where_it_can(use_module: Callable[[nn.Module], None]) -> None:
    use_module(RestsOnDark())
    plain = values_of(ask(ExplanationMethod.INTEGRATED_GRADIENTS))
    use_module(torch.jit.script(RestsOnDark()))
    np.testing.assert_allclose(values_of(ask(ExplanationMethod.INTEGRATED_GRADIENTS)), plain, atol=0.01)


@pytest.mark.parametrize(
    ("spec", "method", "error"),
    [
        (get_model("otsu"), ExplanationMethod.OCCLUSION, NoNetworkError),
        (make_spec(architecture="nnunet"), ExplanationMethod.OCCLUSION, NoNnunetError),
        (make_spec(architecture="onnx"), ExplanationMethod.INTEGRATED_GRADIENTS, NoGradientsError),
        (make_spec(architecture="torchscript"), ExplanationMethod.GRAD_CAM_DECODER, NoLayersError),
        (make_spec(), ExplanationMethod.CHANNEL_ABLATION, OneChannelError),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_runs(
    spec: ModelSpec, method: ExplanationMethod, error: type[Exception]
) -> None:
    with pytest.raises(error):
        require_explainable(spec, method)


def test_an_empty_lesion_is_refused(use_module: Callable[[nn.Module], None]) -> None:
    use_module(RestsOnDark())
    with pytest.raises(LesionLostError):
        ask(ExplanationMethod.OCCLUSION, lesion=np.zeros(SHAPE, np.bool_))


def test_it_stops_between_two_passes(use_module: Callable[[nn.Module], None]) -> None:
    use_module(RestsOnDark())
    reports: list[Progress] = []

    def stop_after_five(progress: Progress) -> None:
        if progress.stage == "explaining":
            reports.append(progress)
            if len(reports) == 5:
                raise CancelledError

    with pytest.raises(CancelledError):
        ask(ExplanationMethod.OCCLUSION, on_progress=stop_after_five)
    assert [report.windows_done for report in reports] == [0, 1, 2, 3, 4]
    assert reports[0].windows_total == choose_patches(SHAPE, int(LESION.sum()), LESION.size).count + 2


def test_progress_ends_with_the_last_pass(use_module: Callable[[nn.Module], None]) -> None:
    use_module(RestsOnDark())
    for method in ExplanationMethod:
        images = (make_image(), make_image()) if method is ExplanationMethod.CHANNEL_ABLATION else ()
        use_module(RestsOnDark(max(1, len(images))))
        reports: list[Progress] = []
        ask(method, *images, on_progress=reports.append)
        last = [report for report in reports if report.stage == "explaining"][-1]
        assert last.windows_done == last.windows_total - 1, method


def test_a_lesion_larger_than_the_window_is_explained_in_part_and_said_so(
    use_module: Callable[[nn.Module], None],
) -> None:
    use_module(RestsOnDark())
    image = np.concatenate([make_image()] * 3)
    lesion = np.zeros(image.shape, np.bool_)
    lesion[2:16, 10, 10] = True
    with gather_notes() as notes:
        explained = ask(ExplanationMethod.GRAD_CAM_DECODER, image, lesion=lesion)
    assert "43%" in notes[0]
    assert explained.found is not None
    assert explained.found.voxels.shape == image.shape


def test_slices_in_three_planes_score_as_the_engine_does() -> None:
    torch.manual_seed(2)
    network = build_network("unet", {"channels": (4, 8)}, 2, flat_axis=0).eval()
    cube = torch.randn(1, 12, 12, 12)
    lesion = torch.from_numpy(ball((12, 12, 12), (5, 6, 7), 2.5))
    weights = (0.5, 0.3, 0.2)

    class Plain:
        together, classes = 4, 2

        def __call__(self, windows: Tensor) -> Tensor:
            with torch.no_grad():
                return network(windows)

    expected = InThreePlanes(Plain(), weights)(cube[None])[0][:, lesion]
    answer = Answer(make_spec().network.decision, 1)  # type: ignore[union-attr]
    readings = tuple(
        Slices(network, lesion, answer, axis=axis, flat_axis=0, weight=weight) for axis, weight in enumerate(weights)
    )
    score = LesionScore(readings, 1, answer, lambda: None)
    wanted = float((expected[1] - expected[0]).mean())
    with torch.no_grad():
        assert float(score(cube[None])) == pytest.approx(wanted, rel=1e-4)
        covered = cube.clone()
        covered[:, 4:7, 5:8, 6:9] = 4.0
        remembered = float(score(covered[None]))
    fresh = LesionScore(
        tuple(Slices(network, lesion, answer, axis=a, flat_axis=0, weight=w) for a, w in enumerate(weights)),
        1,
        answer,
        lambda: None,
    )
    assert remembered == pytest.approx(float(fresh(covered[None].requires_grad_()).detach()), rel=1e-4)
    assert remembered != pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("method", [ExplanationMethod.INTEGRATED_GRADIENTS, ExplanationMethod.GRAD_CAM_DEEPEST])
def test_a_map_is_of_the_network_and_not_of_the_image(
    method: ExplanationMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another network of the same build gives another map: Adebayo et al., Sanity checks for saliency maps, 2018."""
    monkeypatch.setattr(attribution, "GRADIENT_STEPS", 3)
    shape = (24, 48, 48)
    lesion = ball(shape, (12, 20, 22), 9.0, (2.0, 2.0, 2.0))
    body = ball(shape, (12, 24, 24), 44.0, (2.0, 2.0, 2.0))
    grain = np.random.default_rng(3).normal(0.0, 15.0, shape)
    volume = make_volume((np.where(lesion, 900, np.where(body, 400, 0)) + grain).astype(np.int16), (2.0, 2.0, 2.0))
    spec = get_model("enhancing_lesion")

    def found_by() -> np.ndarray:
        explained = explain(volume, spec, lambda progress: None, method=method, segment_number=1, lesion=lesion)
        return values_of(explained)[5:19][body[5:19]]  # where the window lies, in which nothing is 0 for both

    trained = found_by()
    source_of, seeds = explained_network.source_of, itertools.count(1)

    def randomised(*given: object) -> NetworkSource:
        source = source_of(*given)  # type: ignore[arg-type]
        torch.manual_seed(next(seeds))
        for part in source.module.modules():  # type: ignore[union-attr]
            if hasattr(part, "reset_parameters"):
                part.reset_parameters()
        return source

    monkeypatch.setattr(explained_network, "source_of", randomised)
    # an empty map has no ranks, and says nothing of the image either
    others = [np.nan_to_num(abs(spearmanr(trained, found_by()).statistic)) for _ in range(3)]
    assert np.mean(others) < 0.5

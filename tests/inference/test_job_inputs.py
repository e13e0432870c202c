"""A network that reads several series of a study: found, laid over each other and fused, from request to label map."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
import torch
from django.core.management import CommandError, call_command
from django.test import Client

from inference import registry
from inference.formats.imported import Naming, digest_file
from inference.formats.readers import read_model
from inference.formats.store import store_model
from inference.input_images import ChannelsMissingError, NoSuchChannelError
from inference.job_states import JobState
from inference.model_spec import Method, ModelSpec
from inference.models import SegmentationJob
from inference.network_spec import COLOURS, InputChannel, NetworkSpec, Normalisation
from inference.pipeline.manifest import write_manifest
from inference.pipeline.segment import segment
from inference.services.jobs import request_job
from inference.services.runs import run_job
from studies.label_maps.label_map import SegmentDescription
from studies.models import Series, User
from studies.services.segmentations import load_label_map
from tests.archives import archive_series
from tests.enhanced_pet import SUV_PER_BECQUEREL, write_enhanced_pet
from tests.factories import PatientFactory, StudyFactory, TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, centre_mm, ellipsoid, lopsided_body, sphere, write_cine, write_series
from tests.torchscript import encode_script

pytestmark = pytest.mark.django_db

PLAIN = SeriesSpec(
    name="t1_tra", modality="MR", shape=(40, 60, 60), spacing_mm=(3.0, 2.0, 2.0), origin_mm=(-60, -60, -58)
)
GIVEN = replace(PLAIN, name="t1_tra_ce", series_number=2, shape=(24, 44, 44), spacing_mm=(5.0, 3.0, 3.0))
RADIUS_MM = 12.0
LESION_MM = (14.0, 8.0, 6.0)


class Difference(torch.nn.Module):
    """Marks where the second image exceeds the first by more than a threshold."""

    def __init__(self, scale: float, threshold: float) -> None:
        super().__init__()
        self.scale, self.threshold = scale, threshold

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        score = (image[:, 1:2] * self.scale - image[:, :1] - self.threshold) / 100.0
        return torch.cat([torch.zeros_like(score), score], dim=1)


def import_difference(
    folder: Path, channels: tuple[str, str], modalities: frozenset[str], *, scale: float = 1.0, threshold: float = 450.0
) -> ModelSpec:
    """Import the network by the path that a hospital's own takes."""
    folder.mkdir(parents=True)
    (folder / "model.ts").write_bytes(encode_script(Difference(scale, threshold)))
    network = NetworkSpec(
        "torchscript",
        {},
        (digest_file("model.ts", (folder / "model.ts").read_bytes()),),
        (16, 32, 32),
        channels=tuple(InputChannel(name, Normalisation()) for name in channels),
    )
    spec = ModelSpec(
        name="difference", version="1", title="Difference", summary="Marks what takes up.", limits="Tests.",
        method=Method.NETWORK, modalities=modalities, segments=(SegmentDescription(1, "Uptake"),), network=network,
        needs_volume=True,
    )  # fmt: skip
    write_manifest(folder / "manifest.json", spec, provenance={})
    store_model(read_model(folder, Naming()), folder.parent / "models")
    return spec


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(registry._state, "folder", tmp_path / "models")
    (tmp_path / "models").mkdir()
    return tmp_path


@pytest.fixture
def examination(reader: User, tmp_path: Path) -> Callable[..., list[Series]]:
    """Archive several series as one study of a patient of the reader's team."""

    def archive(*written: tuple[SeriesSpec, list[Path]]) -> list[Series]:
        study = StudyFactory(patient=PatientFactory(home_team=reader.teams.all()[0]))
        return [
            archive_series(paths, study=study, series_number=spec.series_number, series_description=spec.name)
            for spec, paths in written
        ]

    return archive


def write(folder: Path, spec: SeriesSpec, values: np.ndarray, **header: object) -> tuple[SeriesSpec, list[Path]]:
    written = replace(spec, voxels=np.clip(values, -1000, 3000), intercept=0.0, extra=header)
    return written, write_series(folder / spec.name, written)


def body(spec: SeriesSpec, shift_mm: tuple[float, float, float] = (0, 0, 0), *, enhancing: float = 0.0) -> np.ndarray:
    values = lopsided_body(spec, np.asarray(shift_mm, float))
    values[sphere(spec, RADIUS_MM, np.asarray(LESION_MM) + shift_mm)] = 400.0 + enhancing
    return values


T1_HEADER = {"EchoTime": 10, "RepetitionTime": 500, "ScanningSequence": "SE", "SequenceVariant": "SK"}


def run(series: Series, person: User, **options: Any) -> SegmentationJob:
    job, _ = request_job(series, requested_by=person, model_name="difference", parameters={}, **options)
    run_job(job.pk, segment=segment)
    job.refresh_from_db()
    return job


def lesion_dice(job: SegmentationJob, spec: SeriesSpec) -> float:
    """Around the lesion: elsewhere the two grids differ at the body's edge, and so does this simple network."""
    assert job.revision is not None
    found = load_label_map(job.revision).voxels == 1
    assert found.shape == spec.shape, "the label map lies on the series that was opened"
    return dice(found & sphere(spec, RADIUS_MM + 6.0, LESION_MM), sphere(spec, RADIUS_MM, LESION_MM))


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    return 2.0 * float((found & truth).sum()) / float(found.sum() + truth.sum())


def test_two_series_of_other_grids_are_found_by_their_headers_and_fused(models, examination, reader, tmp_path) -> None:
    import_difference(models / "ts", ("T1", "T1c"), frozenset({"MR"}))
    plain, given, _ = examination(
        write(tmp_path, PLAIN, body(PLAIN), **T1_HEADER),
        write(tmp_path, GIVEN, body(GIVEN, enhancing=900.0), ContrastBolusAgent="Gadobutrol", **T1_HEADER),
        write(tmp_path, replace(PLAIN, name="scout", series_number=3), body(PLAIN)),
    )  # fmt: skip
    job = run(plain, reader, focus=(20, 30, 30))
    assert (job.state, job.failure) == (JobState.SUCCEEDED, "")
    assert [(each["channel"], each["series_id"]) for each in job.inputs] == [
        ("T1", str(plain.pk)), ("T1c", str(given.pk)),
    ]  # fmt: skip
    assert job.inputs[0]["alignment"] == ""
    assert job.inputs[1]["alignment"].startswith("As it lies: the frame of reference is shared and the images agree")
    assert job.revision is not None
    assert job.revision.provenance["inputs"] == job.inputs
    assert lesion_dice(job, PLAIN) > 0.85
    assert lesion_dice(run(given, reader), GIVEN) > 0.8


def test_a_patient_who_moved_between_the_series_is_laid_back(models, examination, reader, tmp_path) -> None:
    import_difference(models / "ts", ("T1", "T1c"), frozenset({"MR"}))
    shift = (7.0, -5.0, 4.0)
    plain, _ = examination(
        write(tmp_path, PLAIN, body(PLAIN), **T1_HEADER),
        write(tmp_path, GIVEN, body(GIVEN, shift, enhancing=900.0), ContrastBolusAgent="Gadobutrol", **T1_HEADER),
    )
    job = run(plain, reader)
    assert (job.state, job.failure) == (JobState.SUCCEEDED, "")
    assert job.inputs[1]["alignment"].startswith("Registered by its images")
    assert lesion_dice(job, PLAIN) > 0.8


def test_pet_is_read_in_suv_beside_its_ct(models, examination, reader, tmp_path) -> None:
    """SUV 8 in the lesion, 1 elsewhere; the CT is 0 HU in the body: the network marks 100 SUV - HU > 400."""
    import_difference(models / "ts", ("CT", "SUV"), frozenset({"CT", "PT"}), scale=100.0, threshold=400.0)
    ct = replace(PLAIN, name="ct", modality="CT")
    pet = replace(PLAIN, name="pet", modality="PT", series_number=2, shape=(30, 30, 30), spacing_mm=(4.0, 4.0, 4.0))
    lesion = centre_mm(pet)
    uptake = np.where(sphere(pet, 14.0, lesion), 8.0, 1.0) / SUV_PER_BECQUEREL
    written = replace(pet, voxels=uptake)
    path = write_enhanced_pet(tmp_path / "pet" / "pet.dcm", written, lambda index: 2.0 + 0.1 * index)
    hounsfield = np.where(ellipsoid(ct, (50, 55, 55), centre_mm(ct)), 0.0, 0.0)
    opened, _ = examination(write(tmp_path, ct, hounsfield), (written, [path]))
    job = run(opened, reader)
    assert (job.state, job.failure) == (JobState.SUCCEEDED, "")
    assert job.revision is not None
    found = load_label_map(job.revision).voxels == 1
    assert dice(found, sphere(ct, 14.0, lesion)) > 0.85


def test_a_missing_image_is_said_before_anything_waits(models, examination, reader, tmp_path) -> None:
    import_difference(models / "ts", ("T1", "T1c"), frozenset({"MR"}))
    (plain,) = examination(write(tmp_path, PLAIN, body(PLAIN), **T1_HEADER))
    with pytest.raises(ChannelsMissingError, match="T1c: no series of this study says that it is T1 with contrast"):
        request_job(plain, requested_by=reader, model_name="difference", parameters={})
    assert not SegmentationJob.objects.exists()
    client = Client()
    client.force_login(reader)
    asked = {"series_id": str(plain.pk), "model_name": "difference"}
    answer = client.post("/api/jobs", json.dumps(asked), content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["code"] == "model.channels_missing"
    assert answer.json()["missing"] == ["T1c"]


def test_a_person_names_what_headers_leave_open_within_the_study(models, examination, reader, tmp_path) -> None:
    import_difference(models / "ts", ("T1", "T1c"), frozenset({"MR"}))
    plain, silent = examination(
        write(tmp_path, PLAIN, body(PLAIN), **T1_HEADER),
        write(tmp_path, GIVEN, body(GIVEN, enhancing=900.0)),
    )
    (foreign,) = examination(write(tmp_path / "other", replace(GIVEN, patient_id="OTHER"), body(GIVEN)))
    with pytest.raises(NoSuchChannelError):
        request_job(plain, requested_by=reader, model_name="difference", parameters={}, inputs={"T1c": foreign.pk})
    job = run(plain, reader, inputs={"T1c": silent.pk})
    assert (job.state, job.failure) == (JobState.SUCCEEDED, "")
    assert [each["is_by_person"] for each in job.inputs] == [False, True]


def test_a_series_that_grew_since_stops_the_job(models, examination, reader, tmp_path) -> None:
    import_difference(models / "ts", ("T1", "T1c"), frozenset({"MR"}))
    plain, given = examination(
        write(tmp_path, PLAIN, body(PLAIN), **T1_HEADER),
        write(tmp_path, GIVEN, body(GIVEN), ContrastBolusAgent="Gadobutrol", **T1_HEADER),
    )
    job, _ = request_job(plain, requested_by=reader, model_name="difference", parameters={})
    Series.objects.filter(pk=given.pk).update(contents_digest="0" * 64)
    run_job(job.pk, segment=segment)
    job.refresh_from_db()
    assert (job.state, job.failure_code) == (JobState.FAILED, "job.inputs_changed")


def test_the_page_is_told_what_would_be_read(models, examination, reader, tmp_path) -> None:
    import_difference(models / "ts", ("T1", "T1c"), frozenset({"MR"}))
    plain, given, silent = examination(
        write(tmp_path, PLAIN, body(PLAIN), **T1_HEADER),
        write(tmp_path, GIVEN, body(GIVEN), ContrastBolusAgent="Gadobutrol", **T1_HEADER),
        write(tmp_path, replace(GIVEN, name="unsaid", series_number=3), body(GIVEN)),
    )
    client = Client()
    client.force_login(reader)

    def ask(series: Series, model: str = "difference") -> dict[str, Any]:
        return client.get(f"/api/series/{series.pk}/model-inputs", {"model": model}).json()

    told = ask(plain)
    assert [(each["channel"], each["series_id"]) for each in told["inputs"]] == [
        ("T1", str(plain.pk)), ("T1c", str(given.pk)),
    ]  # fmt: skip
    assert told["problem"] == ""
    assert [each["words"] for each in told["choices"]] == [
        "series 1 (t1_tra)", "series 2 (t1_tra_ce)", "series 3 (unsaid)",
    ]  # fmt: skip
    assert "is none of the images" in ask(silent)["problem"]
    assert ask(plain, "otsu") == {"inputs": [], "choices": [], "problem": ""}
    assert ask(plain, "unheard-of")["code"] == "model.unknown"


def test_another_teams_study_is_not_a_source(models, examination, reader, tmp_path) -> None:
    """The request is refused as any foreign series is: nothing is told of what the study holds."""
    import_difference(models / "ts", ("T1", "T1c"), frozenset({"MR"}))
    plain, _ = examination(
        write(tmp_path, PLAIN, body(PLAIN), **T1_HEADER),
        write(tmp_path, GIVEN, body(GIVEN), ContrastBolusAgent="Gadobutrol", **T1_HEADER),
    )
    client = Client()
    client.force_login(UserFactory(teams=[TeamFactory()]))
    asked = {"series_id": str(plain.pk), "model_name": "difference"}
    answer = client.post("/api/jobs", json.dumps(asked), content_type="application/json")
    assert answer.status_code == 404
    assert client.get(f"/api/series/{plain.pk}/model-inputs", {"model": "difference"}).status_code == 404


class Redness(torch.nn.Module):
    """Marks where red exceeds green and blue together."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        score = image[:, :1] - image[:, 1:2] - image[:, 2:]
        return torch.cat([torch.zeros_like(score), score], dim=1)


def test_a_photograph_gives_a_network_its_colours_and_a_grey_image_is_refused(
    models: Path, reader: User, examination: Callable[..., list[Series]], tmp_path: Path
) -> None:
    folder = models / "colours"
    folder.mkdir()
    (folder / "model.ts").write_bytes(encode_script(Redness()))
    network = NetworkSpec(
        "torchscript", {}, (digest_file("model.ts", (folder / "model.ts").read_bytes()),), (1, 16, 16),
        channels=tuple(InputChannel(name, Normalisation()) for name in COLOURS),
    )  # fmt: skip
    spec = ModelSpec(
        name="difference", version="1", title="Redness", summary="Marks what is red.", limits="Tests.",
        method=Method.NETWORK, modalities=frozenset(), segments=(SegmentDescription(1, "Red"),), network=network,
    )  # fmt: skip
    write_manifest(folder / "manifest.json", spec, provenance={})
    store_model(read_model(folder, Naming()), models / "models")
    pixels = np.full((2, 20, 24, 3), (90, 60, 50), np.uint8)
    pixels[1, 5:9, 6:16] = (200, 60, 50)
    study = StudyFactory(patient=PatientFactory(home_team=reader.teams.all()[0]))
    photograph = archive_series([write_cine(tmp_path / "photograph.dcm", pixels)], study=study)
    job = run(photograph, reader)
    assert job.state == JobState.SUCCEEDED, job.failure
    assert job.revision is not None
    found = load_label_map(job.revision).voxels
    np.testing.assert_array_equal(found > 0, (pixels[..., 0] == 200))
    (grey,) = examination(write(tmp_path, PLAIN, body(PLAIN)))
    refused = run(grey, reader)
    assert (refused.state, refused.failure_code) == (JobState.FAILED, "series.no_colours")


def test_the_command_takes_several_images_each_by_its_channel(models: Path, tmp_path: Path) -> None:
    """What exceeds the first image by more than 450 in the second is found, exactly; what cannot be is said."""
    import_difference(tmp_path / "made", ("T1", "T1 with contrast"), frozenset({"MR"}))
    plain, given = np.zeros((16, 32, 32), np.float32), np.zeros((16, 32, 32), np.float32)
    given[4:12, 8:20, 8:20] = 1000.0
    far = SimpleITK.GetImageFromArray(given)
    far.SetOrigin((500.0, 0.0, 0.0))
    images = {"plain": SimpleITK.GetImageFromArray(plain), "given": SimpleITK.GetImageFromArray(given), "far": far}
    for name, image in images.items():
        SimpleITK.WriteImage(image, str(tmp_path / f"{name}.nii.gz"))
    source, output = tmp_path / "plain.nii.gz", tmp_path / "found.nii.gz"

    def run(*channels: str) -> None:
        options = {"model": "difference", "output": output, "channel": list(channels), "stderr": io.StringIO()}
        call_command("segment", source, stdout=io.StringIO(), **options)

    for channels, words in (
        ([], "are not given"),
        ([f"FLAIR={source}"], "has no channel 'FLAIR'"),
        ([f"T1 with contrast={tmp_path / 'far.nii.gz'}"], "lies elsewhere"),
        ([f"T1={source}", f"T1 with contrast={source}"], "no channel left"),
        (["T1 with contrast"], "NAME=PATH"),
    ):
        with pytest.raises(CommandError, match=words) as caught:
            run(*channels)
        assert caught.value.returncode == 2
        assert not output.exists()
    run(f"T1 with contrast={tmp_path / 'given.nii.gz'}")
    found = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(output)))
    assert np.array_equal(found > 0, given > 0)

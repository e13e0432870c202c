"""Mutated real and made files at the door: always an object or a stored reason, never a crash, nothing left behind.

`file.unreadable` is the net under the door; the fuzzing demands that nothing falls into it.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from studies.dicom.wrap import StatedDetails
from studies.models import Instance, Reception, Team, Upload, UploadState, User
from studies.services import arrivals as arrivals_module
from studies.services.arrivals import ArrivalContext, arrivals_in
from studies.storage import BlobStore
from tests.phantoms import SeriesSpec, write_cine, write_enhanced, write_series
from tests.studies.ingest.support import send, zip_of

DETAILS = StatedDetails(patient_id="F", patient_name="Fuzz", modality="MR", study_date=date(2026, 1, 1))
SLOWEST_S = 10.0
MOST = int(os.environ.get("SEGWEB_FUZZ_EXAMPLES", "60"))
"""Raise it for a long night: the suite has seconds."""
LARGEST_SEED_BYTES = 300_000


@dataclass(frozen=True)
class Mutation:
    """One change at a place given as a share of the file."""

    kind: str
    at: float
    value: int

    def apply(self, content: bytes) -> bytes:
        at = int(self.at * len(content))
        patch = self.value.to_bytes(4, "little")
        return {
            "flip": lambda: content[:at] + bytes([patch[0]]) + content[at + 1 :],
            "word": lambda: content[:at] + patch + content[at + 4 :],
            "cut": lambda: content[:at],
            "drop": lambda: content[:at] + content[at + 1 + self.value % 64 :],
            "repeat": lambda: content[:at] + content[max(0, at - self.value % 256) :],
            "insert": lambda: content[:at] + patch * (1 + self.value % 16) + content[at:],
        }[self.kind]()


BEGINNINGS = [b"", b"\0" * 128 + b"DICM", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\x1f\x8b"]
EXTREMES = st.sampled_from([0, 1, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 0xE000FFFE])
PLACES = st.one_of(st.floats(0, 1, exclude_max=True), st.floats(0, 0.02), st.floats(0.98, 1, exclude_max=True))
MUTATIONS = st.lists(
    st.builds(
        Mutation,
        kind=st.sampled_from(["flip", "flip", "word", "word", "cut", "drop", "repeat", "insert"]),
        at=PLACES,
        value=st.one_of(st.integers(0, 2**32 - 1), EXTREMES),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def made_seeds(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Small files of every kind the door takes."""
    folder = tmp_path_factory.mktemp("seeds")
    spec = SeriesSpec(shape=(2, 8, 8))
    dicom = write_series(folder / "series", spec)[0].read_bytes()
    enhanced = write_enhanced(folder / "enhanced.dcm", spec).read_bytes()
    cine = write_cine(folder / "cine.dcm", np.zeros((3, 8, 8), np.uint8)).read_bytes()
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    pictures = []
    for kind in ("PNG", "JPEG"):
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, kind)
        pictures.append(stream.getvalue())
    volume = nibabel.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4)).to_bytes()
    return [dicom, enhanced, cine, *pictures, volume, zip_of({"a.dcm": dicom, "b.png": pictures[0]})]


@pytest.fixture(scope="module")
def real_seeds(shared_data: Path) -> list[bytes]:
    """Real files of nine transfer syntaxes, a CT, an MR, a segmentation and a report."""
    folders = ("dicom_transfer_syntaxes", "ct_torso_dicom", "mr_vs_seg_001", "dicom_seg_sr")
    seeds = []
    for folder in folders:
        files = sorted(path for path in (shared_data / folder).rglob("*") if path.is_file())
        contents = [path.read_bytes() for path in files if path.stat().st_size <= LARGEST_SEED_BYTES]
        seeds += [content for content in contents if content[128:132] == b"DICM"][:9]
    return seeds


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlobStore]:
    """A store that does not wait for the disk: what is at stake here is what is read, not when it is safe."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("studies.storage.os.fsync", lambda descriptor: None)
        yield BlobStore(tmp_path_factory.mktemp("store"))


def check_door(content: bytes, store: BlobStore) -> None:
    """Hold one file's reading to the promise."""
    started = time.monotonic()
    path = store.root / "part"
    path.write_bytes(content)
    context = ArrivalContext(store=store, namespace="team", details=DETAILS)
    for arrival in arrivals_in(path, "file", context, is_ours=False):
        assert (arrival.header is not None) != bool(arrival.reason_code or arrival.outcome), arrival
        assert arrival.reason_code != "file.unreadable", arrival
        assert arrival.header is None or arrival.blob is not None
    assert list(store.incoming.glob("*")) == []
    assert time.monotonic() - started < SLOWEST_S


@settings(max_examples=MOST * 3, deadline=None)
@given(choice=st.integers(0, 10**6), mutations=MUTATIONS)
def test_mutated_files_of_every_kind(
    made_seeds: list[bytes], store: BlobStore, choice: int, mutations: list[Mutation]
) -> None:
    content = made_seeds[choice % len(made_seeds)]
    for mutation in mutations:
        content = mutation.apply(content)
    check_door(content, store)


@pytest.mark.real_data
@settings(max_examples=MOST * 2, deadline=None)
@given(choice=st.integers(0, 10**6), mutations=MUTATIONS, is_zipped=st.booleans())
def test_mutated_real_files(
    real_seeds: list[bytes], store: BlobStore, choice: int, mutations: list[Mutation], is_zipped: bool
) -> None:
    content = real_seeds[choice % len(real_seeds)]
    for mutation in mutations:
        content = mutation.apply(content)
    check_door(zip_of({"a": content}) if is_zipped else content, store)


@settings(max_examples=MOST, deadline=None)
@given(noise=st.binary(max_size=400), beginning=st.sampled_from(BEGINNINGS))
def test_noise_behind_a_familiar_beginning(store: BlobStore, noise: bytes, beginning: bytes) -> None:
    check_door(beginning + noise, store)


def test_whatever_comes_is_recorded(team: Team, clinician: User, made_seeds: list[bytes], store: BlobStore) -> None:
    """The whole way into the database, on a fixed sample of mutations."""
    generator = np.random.default_rng(7)
    for seed in made_seeds:
        for _ in range(3):
            content = bytearray(seed)
            for place in generator.integers(0, len(content), 4):
                content[place] = int(generator.integers(0, 256))
            upload = send(team, clinician, bytes(content), name="fuzzed")
            assert upload.state in (UploadState.INGESTED, UploadState.FAILED, UploadState.NEEDS_DETAILS)
            receptions = Reception.objects.filter(upload=upload)
            assert upload.state == UploadState.NEEDS_DETAILS or receptions.exists()
            assert all(row.instance or row.reason_code for row in receptions)
    assert not Upload.objects.filter(state=UploadState.RECEIVED).exists()
    assert Instance.objects.count() <= len(made_seeds) * 3 * 3


def test_the_net_under_the_door_holds(
    team: Team, clinician: User, made_seeds: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a defect of our own becomes a stored reason, and the other files of the archive are read."""

    def stumble(read: Callable[[Path], object]) -> Callable[[Path], object]:
        def stumbling(path: Path) -> object:
            if b"stumble" in path.read_bytes():
                raise ZeroDivisionError
            return read(path)

        return stumbling

    monkeypatch.setattr(arrivals_module, "read_header", stumble(arrivals_module.read_header))
    bad = b"\0" * 128 + b"DICM" + b"stumble"
    upload = send(team, clinician, zip_of({"bad.dcm": bad, "good.dcm": made_seeds[0]}))
    rows = {row.path: row.reason_code for row in upload.receptions.all()}
    assert rows == {"bad.dcm": "file.unreadable", "good.dcm": ""}

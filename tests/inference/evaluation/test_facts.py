"""Where images come from, and that nobody's name gets into the record."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread

from inference.evaluation.case_sets import FileCases
from inference.evaluation.cases import LeftOut
from inference.evaluation.facts import CasesTableError, names_patient, read_dicom_facts, read_table
from inference.evaluation.sources import CasesMissingError, CaseUnusableError, FolderSource, open_source
from studies.imaging.geometry import VolumeGeometry
from studies.label_maps.label_map import LabelMap
from studies.label_maps.nifti import write_nifti
from tests.phantoms import SeriesSpec, sphere, write_series

SPEC = SeriesSpec(shape=(4, 16, 18))


def write_slice(folder: Path, **attributes: object) -> Path:
    path = write_series(folder, SPEC)[0]
    dataset = dcmread(path)
    set_all(dataset, **attributes)
    dataset.save_as(path)
    return path


def set_all(dataset: Dataset, **attributes: object) -> None:
    for name, value in attributes.items():
        setattr(dataset, name, value)


def test_scanner_site_and_kernel_are_read_from_a_ct(tmp_path: Path) -> None:
    path = write_slice(
        tmp_path / "ct",
        Manufacturer="ACME",
        ManufacturerModelName="One",
        InstitutionName="North",
        Modality="CT",
        ConvolutionKernel="B30f",
    )
    assert read_dicom_facts(path) == {"scanner": "ACME One", "site": "North", "sequence": "kernel B30f"}


def test_the_weighting_of_an_mr_is_told_with_its_contrast_agent(tmp_path: Path) -> None:
    path = write_slice(
        tmp_path / "mr",
        Modality="MR",
        SeriesDescription="t1 mprage post gd",
        MagneticFieldStrength=3.0,
        Manufacturer="",
        ManufacturerModelName="",
    )
    assert read_dicom_facts(path) == {"sequence": "T1 with contrast agent, 3.0 T"}


@pytest.mark.parametrize("name", ["doe_jane_01", "Scan-JANE", "x_pat1234"])
def test_a_file_named_after_the_patient_is_noticed(tmp_path: Path, name: str) -> None:
    path = write_slice(tmp_path / "ct", PatientName="DOE^JANE", PatientID="PAT1234")
    assert names_patient(name, path)
    assert not names_patient("case_07", path)


def test_a_case_named_after_the_patient_gets_a_number_and_a_description_with_the_name_is_not_told(
    tmp_path: Path,
) -> None:
    for path in write_series(tmp_path / "set" / "images" / "DOE_JANE", SPEC):
        dataset = dcmread(path)
        set_all(dataset, PatientName="DOE^JANE", SeriesDescription="head of Jane", ConvolutionKernel=None)
        dataset.save_as(path)
    (tmp_path / "set" / "labels").mkdir()
    grid = VolumeGeometry(SPEC.shape, SPEC.spacing_mm, SPEC.origin_mm, (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0))
    truth = sphere(SPEC, 4.0).astype(np.uint8)
    write_nifti(LabelMap(truth, grid, ()), tmp_path / "set" / "labels" / "DOE_JANE.nii.gz")
    left_out: list[LeftOut] = []
    (case,) = FileCases(tmp_path / "set", modality="CT").read(left_out)
    assert (case.name, left_out) == ("case 1", [])
    assert "sequence" not in case.facts


def test_a_table_beside_the_images_tells_what_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("Case;Scanner;Site\na;ACME One;\nb;;South\n", encoding="utf-8-sig")
    assert read_table(FolderSource(tmp_path)) == {"a": {"scanner": "ACME One"}, "b": {"site": "South"}}


@pytest.mark.parametrize("content", [b"name,scanner\na,b\n", b"case,colour\na,b\n", b"\xff\xfe\x00"])
def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cases.csv").write_bytes(content)
    with pytest.raises(CasesTableError):
        read_table(FolderSource(tmp_path))


def encode(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def test_damaged_unequal_and_hostile_files_are_named_and_left_out(tmp_path: Path) -> None:
    good, mask = encode(np.zeros((6, 8), np.uint8)), encode(np.ones((6, 8), np.uint8))
    path = tmp_path / "cases.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, image in {"a": good, "b": good[:40], "c": encode(np.zeros((5, 8), np.uint8)), "d": b""}.items():
            archive.writestr(f"images/{name}.png", image)
            archive.writestr(f"masks/{name}.png", mask)
        archive.writestr("../images/e.png", good)
        archive.writestr("../masks/e.png", mask)
    left_out: list[LeftOut] = []
    cases = list(FileCases(path, modality="OT").read(left_out))
    assert [case.name for case in cases] == ["a"]
    assert {each.name.rsplit("/", 1)[-1]: each.code for each in left_out} == {
        "b": "case.unusable",
        "c": "case.shapes_differ",
        "d": "case.unusable",
        "e": "archive.unsafe_path",
    }


def test_what_is_no_zip_and_a_damaged_member_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_bytes(b"no zip")
    with pytest.raises(CasesMissingError, match="no whole zip"):
        open_source(tmp_path / "text.zip")
    path = tmp_path / "cases.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images/a.png", bytes(1000))
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(CaseUnusableError, match="damaged in the zip"):
        open_source(path).read("images/a.png")

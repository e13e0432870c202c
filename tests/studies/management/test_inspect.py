"""`manage.py inspect`: what lies in a folder, for people and for programs."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.phantoms import SeriesSpec, oblique, write_enhanced, write_series


def _inspect(path, *flags: str) -> str:
    out = StringIO()
    call_command("inspect", str(path), *flags, stdout=out)
    return out.getvalue()


def test_json_names_each_series_with_its_verdict_and_each_refusal(tmp_path):
    spec = oblique(SeriesSpec(name="thorax", shape=(6, 8, 8)))
    write_series(tmp_path / "a", spec)
    write_series(tmp_path / "b", SeriesSpec(name="gapped", shape=(5, 8, 8), missing=frozenset({2})))
    write_enhanced(tmp_path / "c" / "e.dcm", SeriesSpec(name="e", modality="MR", shape=(4, 8, 8), intercept=0.0))
    (tmp_path / "a" / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden").write_text("left alone")
    found = json.loads(_inspect(tmp_path, "--json"))
    assert [(row["series_description"], row["geometry_verdict"], row["frame_count"]) for row in found["series"]] == [
        ("thorax-oblique", "regular", 6),
        ("gapped", "gaps", 4),
        ("e", "regular", 4),
    ]
    first = found["series"][0]
    assert first["is_volume"]
    assert first["geometry"]["shape"] == [6, 8, 8]
    assert first["geometry"]["origin_mm"] == pytest.approx([-14.0, -12.8, 30.0])
    assert first["series_instance_uid"] == spec.series_instance_uid
    assert [(row["path"], row["code"]) for row in found["refused"]] == [
        (str(tmp_path / "a" / "notes.txt"), "file.not_dicom")
    ]


def test_the_table_says_the_same_in_words(tmp_path):
    write_series(tmp_path, SeriesSpec(name="thorax", shape=(6, 8, 8), missing=frozenset({3})))
    table = _inspect(tmp_path)
    assert "gaps" in table
    assert "1 slice is missing" in table


def test_no_database_is_touched(tmp_path, monkeypatch):
    write_series(tmp_path, SeriesSpec(shape=(2, 8, 8)))
    monkeypatch.setattr(connection, "cursor", None)
    assert json.loads(_inspect(tmp_path, "--json"))["series"]


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="nothing at"):
        _inspect(tmp_path / "absent")


@pytest.mark.real_data
def test_files_with_blanked_uids_are_still_one_series(shared_data):
    found = json.loads(_inspect(shared_data / "ct_torso_dicom", "--json"))
    [series] = found["series"]
    assert (series["modality"], series["frame_count"], series["geometry_verdict"]) == ("CT", 20, "regular")
    assert series["transfer_syntaxes"] == ["1.2.840.10008.1.2.4.90"]
    assert any("file header" in note for note in series["notes"])

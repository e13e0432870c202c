"""Parts of training sets: the same everywhere, one person in one part, and in words what is missing."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.training.outlined import (
    OutlinedSet,
    Part,
    TrainingDataMissingError,
    group_cases,
    load_set,
    part_groups,
)

FRAMES = OutlinedSet("frames.zip", "US", "CC0", "nobody", read_group=lambda name: name[:3])


def picture(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return out.getvalue()


def write_set(folder: Path, names: list[str], *, looks: dict[str, int] | None = None) -> None:
    """Write a set whose images look alike where `looks` gives them the same number."""
    with zipfile.ZipFile(folder / "frames.zip", "w") as archive:
        for number, name in enumerate(names):
            rng = np.random.default_rng((looks or {}).get(name, 100 + number))
            image = rng.integers(0, 255, (8, 8)).repeat(6, 0).repeat(6, 1) + np.random.default_rng(number).normal(
                0, 4, (48, 48)
            )
            archive.writestr(f"images/{name}.png", picture(np.clip(image, 0, 255).astype(np.uint8)))
            archive.writestr(f"masks/{name}.png", picture((image > 128).astype(np.uint8)))


def test_frames_of_one_person_stay_together_and_parts_have_their_size(tmp_path: Path) -> None:
    write_set(tmp_path, [f"{person:03d}_{frame}" for person in range(40) for frame in range(1 + person % 3)])
    found = load_set(FRAMES, tmp_path)
    people = {part: {case.name[:3] for case in cases} for part, cases in found.cases.items()}
    assert not people[Part.TRAIN] & people[Part.VALIDATE]
    assert not people[Part.TUNE] & (people[Part.TRAIN] | people[Part.VALIDATE])
    counts = {part: len(cases) for part, cases in found.cases.items()}
    total = sum(counts.values())
    assert found.groups == 40
    assert 0.2 <= counts[Part.VALIDATE] / total < 0.25
    assert 0.1 <= counts[Part.TUNE] / total < 0.15


def test_parts_do_not_depend_on_order_or_machine() -> None:
    groups = [f"patient {number}" for number in range(30)]
    parts = part_groups("set.zip", groups)
    assert parts == part_groups("set.zip", groups[::-1])
    assert parts != part_groups("other.zip", groups)
    assert Counter(parts.values()) == {Part.VALIDATE: 6, Part.TUNE: 3, Part.TRAIN: 21}
    assert [group for group, part in parts.items() if part is Part.TUNE] == ["patient 12", "patient 18", "patient 3"]


def test_a_group_that_would_be_a_whole_part_is_learnt_from() -> None:
    for number in range(20):
        groups = [f"big {number}"] * 30 + [f"small {each}" for each in range(70)]
        assert part_groups("set.zip", groups)[f"big {number}"] is Part.TRAIN


def test_where_nobody_is_named_what_looks_alike_is_one_person(tmp_path: Path) -> None:
    names = [f"{number:02d}" for number in range(12)]
    write_set(tmp_path, names, looks={"00": 1, "05": 1, "11": 1, "03": 2, "04": 2})
    outlined = OutlinedSet("frames.zip", "US", "CC0", "nobody", likeness=0.9)
    cases = [case for part in load_set(outlined, tmp_path).cases.values() for case in part]
    cases.sort(key=lambda case: case.name)
    groups = group_cases(outlined, cases)
    assert groups[0] == groups[5] == groups[11] == "00"
    assert groups[3] == groups[4] == "03"
    assert len(set(groups)) == 12 - 3


def test_a_corrupt_image_is_named_and_left_out(tmp_path: Path) -> None:
    write_set(tmp_path, [f"{person:03d}_0" for person in range(10)])
    with zipfile.ZipFile(tmp_path / "frames.zip", "a") as archive:
        archive.writestr("images/999_0.png", b"\x89PNG\r\n\x1a\n cut short")
        archive.writestr("masks/999_0.png", picture(np.zeros((48, 48), np.uint8)))
    found = load_set(FRAMES, tmp_path)
    assert sum(len(cases) for cases in found.cases.values()) == 10
    assert [each.name for each in found.left_out] == ["999_0"]
    assert "cannot be read" in found.left_out[0].reason


def test_missing_data_is_said_with_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataMissingError, match=r"learns from frames\.zip, and no folder was named"):
        load_set(FRAMES, None)
    with pytest.raises(TrainingDataMissingError, match=f"it is not in {tmp_path}"):
        load_set(FRAMES, tmp_path)

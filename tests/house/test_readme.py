"""README names what is there: its commands, its files, its pictures."""

import re
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.house

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_its_pictures_exist_at_the_size_of_a_workstation() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(pictures) >= 2
    for picture in pictures:
        with Image.open(ROOT / picture) as image:
            assert image.size == (1280, 720), picture


def test_the_files_it_names_exist() -> None:
    named = re.findall(r"`((?:segweb|studies|inference|frontend|tests)/[\w./-]+)`", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_commands_it_names_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:^|`)make (\w+)", README, re.M)) <= targets
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")}
    assert set(re.findall(r"manage\.py (\w+)", README)) - {"migrate"} <= commands

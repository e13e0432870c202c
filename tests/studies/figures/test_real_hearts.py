"""Ejection fractions from a cardiologist's outlines of real hearts, held against what the patients were chosen for."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studies.figures.figure import FigureKind
from studies.figures.phases import CineFrame, PhaseGrid, arrange_phases
from studies.figures.ventricle import measure_ventricle

PHASES = 20
"""Images of each place, numbered one after the other."""
NAME = re.compile(r".*masks/SC-(HF-I|HF-NI|HYP|N)-(\d+)-IM-\d+-(\d+)\.png")


def read_outlines(path: Path) -> dict[tuple[str, str], dict[int, np.ndarray]]:
    """Return for each patient (group, number) the outlines by image number: two phases, places unknown in mm."""
    found: dict[tuple[str, str], dict[int, np.ndarray]] = defaultdict(dict)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            match = NAME.fullmatch(name)
            if match:
                pixels = np.asarray(Image.open(io.BytesIO(archive.read(name)))) > 0
                found[match[1], match[2]][int(match[3])] = pixels
    return found


def find_fraction(outlines: dict[int, np.ndarray]) -> float:
    phases = [phase for phase, _ in Counter(number % PHASES for number in outlines).most_common(2)]
    places = sorted({number // PHASES for number in outlines})
    empty = np.zeros((256, 256), bool)
    masks = np.stack([outlines.get(place * PHASES + phase, empty) for place in places for phase in phases])
    frames = [CineFrame(10.0 * place, float(phase), 0) for place in places for phase in phases]
    grid = arrange_phases(frames)
    assert isinstance(grid, PhaseGrid)
    figures = {each.kind: each for each in measure_ventricle(masks, grid, pixel_mm=None, segment_number=1)}
    assert figures[FigureKind.END_DIASTOLIC_VOLUME].value is None, "the set gives no pixel size"
    value = figures[FigureKind.EJECTION_FRACTION].value
    assert value is not None
    return value


@pytest.mark.real_data
def test_failing_hearts_eject_less_than_healthy_ones(shared_data: Path) -> None:
    fractions: dict[str, list[float]] = defaultdict(list)
    for (group, _number), outlines in read_outlines(shared_data / "training" / "sunnybrook_lv.zip").items():
        fractions[group].append(find_fraction(outlines))
    assert {group: len(values) for group, values in fractions.items()} == {"HF-I": 8, "HF-NI": 8, "HYP": 8, "N": 6}
    assert np.median(fractions["HF-I"]) < 40.0
    assert np.median(fractions["HF-NI"]) < 40.0
    assert np.median(fractions["HYP"]) > 55.0
    assert np.median(fractions["N"]) > 55.0
    assert max(fractions["HF-I"]) < min(fractions["N"])

"""How each demo case is generated and written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from inference.training.synthetic.brain_mr import BrainImage, generate_brain_mr
from inference.training.synthetic.catalogue import DemoCase, outlines_path, truth_path
from inference.training.synthetic.chest_ct import LESION_SEGMENTS, generate_chest_ct
from inference.training.synthetic.chest_xray import MAXIMUM, generate_chest_xray
from inference.training.synthetic.dicom_files import write_dicom
from inference.training.synthetic.dicom_series import Examination, SyntheticSeries
from inference.training.synthetic.fundus import generate_fundus
from inference.training.synthetic.glioma import ENHANCING, NECROSIS
from inference.training.synthetic.truth import measure_truth, outline_lesions
from inference.training.synthetic.ultrasound import generate_ultrasound_cine
from studies.label_maps.codec import encode_brick
from studies.label_maps.label_map import LabelMap

CT_OFFSET = 1024
_GLIOMA_SEED, _LUNG_SEED, _HEART_SEED, _EYE_SEED = 7, 11, 5, 6
OUTLINED = {
    ("chest-ct", "Chest with contrast"): frozenset(each.segment_number for each in LESION_SEGMENTS),
    ("glioma", "T1 3D with contrast"): frozenset({ENHANCING, NECROSIS}),
}
"""By case and series: the segments a reader would outline as lesions there."""


def write_case(case: DemoCase, directory: Path) -> None:
    """Generate a case into ``directory``, one folder per series; when all is done, its truth at `truth_path`."""
    directory.mkdir(parents=True, exist_ok=True)
    outlines = outlines_path(directory)
    outlines.mkdir(exist_ok=True)
    rows: list[dict[str, object]] = []
    for series, truth in GENERATORS[case.name](case):
        write_dicom(series, directory / f"{series.examination.number}-{series.number}")
        for segment in measure_truth(truth) if truth is not None else ():
            visit = {"case": case.name, "study_date": series.examination.study_date, "series": series.description}
            rows.append(visit | asdict(segment))
        numbers = OUTLINED.get((case.name, series.description))
        if truth is not None and numbers:
            outlined = encode_brick(outline_lesions(truth, numbers), slice_start=0)
            (outlines / series.series_instance_uid).write_bytes(outlined)
    truth_path(directory).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


_MR_SETTINGS: dict[str, tuple[str, tuple[float, float], tuple[tuple[str, object], ...]]] = {
    "T1": ("T1 axial", (420, 900), (("ScanningSequence", "SE"), ("RepetitionTime", "520"), ("EchoTime", "9"))),
    "T1c": (
        "T1 3D with contrast",
        (520, 1100),
        (
            ("ScanningSequence", ["GR", "IR"]),
            ("RepetitionTime", "1900"),
            ("EchoTime", "2.6"),
            ("InversionTime", "900"),
            ("ContrastBolusAgent", "SYNTHETIC"),
            ("MRAcquisitionType", "3D"),
        ),
    ),
    "T2": ("T2 axial", (480, 1000), (("ScanningSequence", "SE"), ("RepetitionTime", "5200"), ("EchoTime", "98"))),
    "FLAIR": (
        "FLAIR axial",
        (500, 1050),
        (
            ("ScanningSequence", ["SE", "IR"]),
            ("RepetitionTime", "9000"),
            ("EchoTime", "110"),
            ("InversionTime", "2500"),
        ),
    ),
}
_MR_COMMON = (("MRAcquisitionType", "2D"), ("SequenceVariant", "NONE"), ("EchoTrainLength", 1))


def mr_series(examination: Examination, number: int, image: BrainImage) -> SyntheticSeries:
    """Wrap one MR sequence."""
    description, window, settings = _MR_SETTINGS[image.sequence]
    return SyntheticSeries(
        examination,
        number,
        description,
        "MR",
        "BRAIN",
        image.volume.voxels,
        mark=900,
        geometry=image.volume.geometry,
        window=window,
        attributes=(*_MR_COMMON, *settings),
    )


def _generate_glioma(case: DemoCase) -> Iterator[tuple[SyntheticSeries, LabelMap | None]]:
    for timepoint, examination in enumerate(case.examinations):
        for number, image in enumerate(generate_brain_mr(_GLIOMA_SEED, timepoint).images, start=1):
            yield mr_series(examination, number, image), image.truth


def _generate_chest_ct(case: DemoCase) -> Iterator[tuple[SyntheticSeries, LabelMap | None]]:
    for timepoint, examination in enumerate(case.examinations):
        chest = generate_chest_ct(_LUNG_SEED, timepoint)
        stored = (chest.volume.voxels.astype(np.int32) + CT_OFFSET).astype(np.uint16)
        series = SyntheticSeries(
            examination,
            1,
            "Chest with contrast",
            "CT",
            "CHEST",
            stored,
            mark=CT_OFFSET + 300,
            geometry=chest.volume.geometry,
            window=(40, 400),
            rescale_intercept=-CT_OFFSET,
            attributes=(("ConvolutionKernel", "SYNTHETIC"), ("ContrastBolusAgent", "SYNTHETIC")),
        )
        yield series, chest.truth


def _generate_chest_xray(case: DemoCase) -> Iterator[tuple[SyntheticSeries, LabelMap | None]]:
    film = generate_chest_xray(_LUNG_SEED, 0)
    spacing = (film.spacing_mm, film.spacing_mm)
    window = (MAXIMUM / 2, MAXIMUM)
    yield (
        SyntheticSeries(
            case.examinations[0], 1, "Chest PA", "DX", "CHEST", film.pixels[None], MAXIMUM, None, spacing, window
        ),
        None,
    )


def _generate_ultrasound(case: DemoCase) -> Iterator[tuple[SyntheticSeries, LabelMap | None]]:
    cine = generate_ultrasound_cine(_HEART_SEED)
    series = SyntheticSeries(
        case.examinations[0],
        1,
        "Apical four chambers",
        "US",
        "HEART",
        cine.pixels,
        mark=210,
        spacing_mm=cine.spacing_mm,
        frame_time_ms=cine.frame_time_ms,
    )
    yield series, None


def _generate_fundus(case: DemoCase) -> Iterator[tuple[SyntheticSeries, LabelMap | None]]:
    picture = generate_fundus(_EYE_SEED)
    yield SyntheticSeries(case.examinations[0], 1, "Fundus, right eye", "OP", "EYE", picture.pixels[None], 220), None


GENERATORS: dict[str, Callable[[DemoCase], Iterator[tuple[SyntheticSeries, LabelMap | None]]]] = {
    "chest-ct": _generate_chest_ct,
    "glioma": _generate_glioma,
    "chest-xray": _generate_chest_xray,
    "ultrasound": _generate_ultrasound,
    "fundus": _generate_fundus,
}
"""By case: yields every series, with its truth where that lies on the same grid of slices."""

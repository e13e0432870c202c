"""The demo cases: who is examined when. Knows nothing of how images are made, so that asking costs no time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inference.training.synthetic.dicom_series import Examination, make_uid


@dataclass(frozen=True, slots=True)
class DemoCase:
    """One set of examinations that is generated together.

    Attributes
    ----------
    name
        Short, also a folder's name.
    title
        For the person who waits.
    examinations
        Its visits.
    file_counts
        How many files each visit has.
    """

    name: str
    title: str
    examinations: tuple[Examination, ...]
    file_counts: tuple[int, ...]

    @property
    def study_instance_uids(self) -> tuple[str, ...]:
        """UIDs of the visits, known before anything is generated."""
        return tuple(make_uid(examination.key) for examination in self.examinations)


def truth_path(directory: Path) -> Path:
    """Return where the table of what is known about a case lies: beside its folder."""
    return directory.with_name(f"{directory.name}.truth.json")


def outlines_path(directory: Path) -> Path:
    """Return where the outlines of a case's lesions lie, one label map for each series that has one."""
    return directory.with_name(f"{directory.name}.outlines")


def _visits(patient: str, description: str, dates: tuple[str, ...], first: int = 1) -> tuple[Examination, ...]:
    return tuple(
        Examination(f"SYN-{patient}", f"SYNTHETIC^{patient}", date, f"{9 + number % 3:02d}1500", description, number)
        for number, date in enumerate(dates, start=first)
    )


_MR_FILES, _CT_FILES = 270, 80
DEMO_CASES: tuple[DemoCase, ...] = (
    DemoCase(
        "chest-ct",
        "Chest CT, four dates",
        _visits("LUNG-01", "CT chest (synthetic)", ("20260119", "20260413", "20260706", "20260928")),
        (_CT_FILES,) * 4,
    ),
    DemoCase(
        "glioma",
        "Brain MR, three dates",
        _visits("GLIOMA-01", "MR brain (synthetic)", ("20260112", "20260407", "20260630")),
        (_MR_FILES,) * 3,
    ),
    DemoCase(
        "chest-xray",
        "Chest X-ray",
        _visits("LUNG-01", "X-ray chest (synthetic)", ("20260108",), first=5),
        (1,),
    ),
    DemoCase(
        "ultrasound",
        "Ultrasound cine",
        _visits("HEART-01", "Echocardiogram (synthetic)", ("20260305",)),
        (1,),
    ),
    DemoCase("fundus", "Fundus photograph", _visits("EYE-01", "Fundus (synthetic)", ("20260211",)), (1,)),
)


def get_case(name: str) -> DemoCase:
    """Return a case by name.

    Raises
    ------
    KeyError
        Where there is none of that name.
    """
    return {case.name: case for case in DEMO_CASES}[name]

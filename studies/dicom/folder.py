"""The series in a folder of DICOM files, without an archive: for `inspect`, for `segment` and for tests."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studies.dicom.errors import FileRefusedError
from studies.dicom.header import InstanceHeader, SeriesHeader, read_header
from studies.dicom.series import SeriesGeometry, SeriesImage, judge_series


@dataclass(frozen=True, slots=True)
class FoundInstance:
    """A readable DICOM file."""

    path: Path
    header: InstanceHeader


@dataclass(frozen=True, slots=True)
class FoundSeries:
    """Files of one series with the verdict on them; `geometry.order` counts in `instances`."""

    instances: tuple[FoundInstance, ...]
    geometry: SeriesGeometry

    @property
    def header(self) -> SeriesHeader:
        """The first instance's series attributes."""
        return self.instances[0].header.series

    @property
    def frame_count(self) -> int:
        """Frames of all its images."""
        return len(self.geometry.order)


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that could not be read, with the code and the sentence that say why."""

    path: Path
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class FolderContents:
    """All series of a folder, largest first, and the files that belong to none."""

    series: tuple[FoundSeries, ...]
    refused: tuple[RefusedFile, ...]


def read_folder(path: Path) -> FolderContents:
    """Read every file at or below `path`, hidden ones left out.

    Files whose anonymiser blanked the UIDs are grouped by what else tells series apart.
    """
    groups: defaultdict[tuple[object, ...], list[FoundInstance]] = defaultdict(list)
    refused = []
    for file in _files(path):
        try:
            header = read_header(file, needs_identity=False)
        except FileRefusedError as error:
            refused.append(RefusedFile(file, error.code, error.message))
            continue
        groups[_group_key(header)].append(FoundInstance(file, header))
    series = (gather_series(tuple(instances)) for instances in groups.values())
    ranked = sorted(series, key=lambda found: (-found.frame_count, found.header.series_number or 0))
    return FolderContents(tuple(ranked), tuple(refused))


def gather_series(instances: tuple[FoundInstance, ...]) -> FoundSeries:
    """Judge instances that are known to belong together."""
    images = [
        SeriesImage(found.header.instance_number, found.header.sop_instance_uid, found.header.image)
        for found in instances
    ]
    return FoundSeries(instances, judge_series(images))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def _group_key(header: InstanceHeader) -> tuple[object, ...]:
    series = header.series
    if series.series_instance_uid:
        return (header.study.study_instance_uid, series.series_instance_uid)
    return (header.study.study_date, series.modality, series.series_description, series.frame_of_reference_uid)

"""Where an image comes from: scanner, site, and sequence or kernel, as its DICOM headers or a table beside it tell.

What nobody tells stays unknown. A person's name and number are read only to keep them out of what is recorded.

References
----------
PS3.3 C.7.5.1 (General Equipment), C.8.2.1 (CT Image), C.8.3.1 (MR Image); PS3.3 C.7.1.1 (Patient).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydicom import dcmread

from inference.evaluation.sources import FileSource
from studies.dicom.acquisition import read_acquisition
from studies.dicom.values import ValueReader
from studies.errors import InvalidInputError
from studies.tracking.acquisition_facts import AcquisitionFacts

FACTS = ("scanner", "site", "sequence")
"""What cases are grouped by, in the order of tables."""
TABLE_FILE = "cases.csv"
_CASE_COLUMN = "case"
_LONGEST = 64
_MOST_TABLE_BYTES = 16 * 1024**2
_LEAST_NAME, _LEAST_NUMBER = 3, 4
"""Letters from which on a part of a name, or a patient's number, is looked for in a file's name."""

Facts = Mapping[str, str]


class CasesTableError(InvalidInputError):
    """The table beside the cases cannot be read."""

    code: ClassVar[str] = "cases.table_unreadable"


def read_dicom_facts(path: Path) -> Facts:
    """Return what the header of one image tells; only what it tells."""
    dataset = dcmread(path, stop_before_pixels=True)
    acquisition, reader = read_acquisition([dataset]), ValueReader(dataset)
    described = reader.text("SeriesDescription")
    found = {
        "scanner": " ".join(part for part in (acquisition.manufacturer, acquisition.model) if part),
        "site": reader.text("InstitutionName"),
        "sequence": _tell_sequence(acquisition) or ("" if _holds_patient(described, reader) else described),
    }
    return {name: value for name, value in found.items() if value}


def _tell_sequence(acquisition: AcquisitionFacts) -> str:
    """Return the kernel of a CT, the weighting and contrast of an MR, the tracer of a PET."""
    if acquisition.modality == "MR" and acquisition.weighting is not None:
        agent = {True: " with contrast agent", False: "", None: ""}[acquisition.has_contrast]
        field = f", {acquisition.field_strength_t:.1f} T" if acquisition.field_strength_t else ""
        return f"{acquisition.weighting}{agent}{field}"
    if acquisition.modality == "CT" and acquisition.kernel:
        return f"kernel {acquisition.kernel}".replace("\\", " ")  # several values in one
    return acquisition.tracer


def names_patient(name: str, path: Path) -> bool:
    """Tell whether a file's name holds the name or number that its DICOM header gives the patient."""
    tags = ["PatientName", "PatientID"]
    return _holds_patient(name, ValueReader(dcmread(path, stop_before_pixels=True, specific_tags=tags)))


def _holds_patient(text: str, reader: ValueReader) -> bool:
    words = [word for word in _split_words(reader.text("PatientName")) if len(word) >= _LEAST_NAME]
    number = "".join(_split_words(reader.text("PatientID")))
    said = _split_words(text)
    has_number = len(number) >= _LEAST_NUMBER and number in "".join(said)
    return has_number or any(word in said for word in words)


def _split_words(text: str) -> list[str]:
    return [word for word in re.split(r"[^\w]|_", text.casefold()) if word]


def read_table(source: FileSource) -> Mapping[str, Facts]:
    """Return what a file `cases.csv` beside the cases tells of each, by the case's name; empty where there is none.

    Its first line names the columns: "case" (the name that image and label map share) and any of `FACTS`.

    Raises
    ------
    CasesTableError
        Where it is there and cannot be read.
    """
    found = [name for name in source.names() if name.rsplit("/", 1)[-1].lower() == TABLE_FILE]
    if not found:
        return {}
    if len(found) > 1:
        raise CasesTableError(f"There are several tables: {', '.join(found[:3])}. Keep one, beside the images.")
    try:
        text = source.read(found[0])[:_MOST_TABLE_BYTES].decode("utf-8-sig")
        separator = ";" if ";" in text.partition("\n")[0] else ","
        rows = csv.DictReader(io.StringIO(text), delimiter=separator)
        columns = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
        if _CASE_COLUMN not in columns or not columns.keys() & set(FACTS):
            raise CasesTableError(f"{found[0]} needs a column 'case' and at least one of: {', '.join(FACTS)}.")
        return {(row[columns[_CASE_COLUMN]] or "").strip(): _read_row(row, columns) for row in rows}
    except (UnicodeDecodeError, csv.Error) as error:
        raise CasesTableError(f"{found[0]} is no table as CSV in UTF-8: {error}. Save it again.") from error


def _read_row(row: Mapping[str, str | None], columns: Mapping[str, str]) -> Facts:
    said = {fact: (row.get(columns[fact]) or "").strip()[:_LONGEST] for fact in FACTS if fact in columns}
    return {fact: value for fact, value in said.items() if value}

"""When a PET scan started and when the tracer was given, as the header tells it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from enum import Enum

from studies.dicom.values import ValueReader

_DATE_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(?:\.(\d{1,6}))?([+-]\d{4})?")
_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})")


class ScanTime(Enum):
    """Why the start of a scan is not known."""

    MISSING = "missing"
    AFTER_ACQUISITION = "after acquisition"


def read_scan_time(readers: Sequence[ValueReader]) -> datetime.datetime | ScanTime:
    """Return the moment the dose is decayed to: the series' date and time, if it is not after the first acquisition.

    A derived series carries its own, later time; then the start of the scan cannot be told from it.
    """
    started = {_local_moment(reader, "SeriesDate", "SeriesTime") for reader in readers}
    acquired = [_local_moment(reader, "AcquisitionDate", "AcquisitionTime") for reader in readers]
    moments = [moment for moment in started if moment is not None]
    if len(started) != 1 or not moments:
        return ScanTime.MISSING
    known = [moment for moment in acquired if moment is not None]
    if len(known) != len(acquired):
        return ScanTime.MISSING
    return moments[0] if moments[0] <= min(known) else ScanTime.AFTER_ACQUISITION


def read_injection_time(series: ValueReader, isotope: ValueReader) -> datetime.datetime | None:
    """Return when the radiopharmaceutical was given, in the local time of the series.

    Radiopharmaceutical Start DateTime counts first. The older Start Time has no date and is taken to be on the day of
    the series; where that puts it after the scan the caller refuses, since no date says otherwise.
    """
    text = isotope.text("RadiopharmaceuticalStartDateTime")
    if text:
        return _parse_date_time(text, series.text("TimezoneOffsetFromUTC"))
    date, time = series.date("SeriesDate"), isotope.time("RadiopharmaceuticalStartTime")
    return datetime.datetime.combine(date, time) if date is not None and time is not None else None


def read_decay_time(reader: ValueReader) -> datetime.datetime | None:
    """Return the moment to which an Enhanced PET Image is corrected for decay, in its local time."""
    text = reader.text("DecayCorrectionDateTime")
    return _parse_date_time(text, reader.text("TimezoneOffsetFromUTC")) if text else None


def _local_moment(reader: ValueReader, date_keyword: str, time_keyword: str) -> datetime.datetime | None:
    date, time = reader.date(date_keyword), reader.time(time_keyword)
    return datetime.datetime.combine(date, time) if date is not None and time is not None else None


def _parse_date_time(text: str, series_offset: str) -> datetime.datetime | None:
    """Return a DT value (PS3.5 6.2) as local time; an offset of its own is carried over to that of the series."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        moment = datetime.datetime(year, month, day, hour, minute, min(second, 59), int((match[7] or "").ljust(6, "0")))
    except ValueError:
        return None
    own, local = _offset(match[8] or ""), _offset(series_offset)
    return moment if own is None or local is None else moment - own + local


def _offset(text: str) -> datetime.timedelta | None:
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    size = datetime.timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -size if match[1] == "-" else size

"""Attribute values as writers in the field leave them: read where they make sense, noted where they do not."""

from __future__ import annotations

import datetime
import math
import re
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pydicom import config
from pydicom.dataset import Dataset

# A value that breaks its VR is reported through `ValueReader.notes`; pydicom's own warnings would repeat it per access.
config.settings.reading_validation_mode = config.IGNORE

PARSER_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pydicom raises on content that breaks the rules."""

_DATE = re.compile(r"(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})")
_TIME = re.compile(r"(\d{2}):?(\d{2})?:?(\d{2})?(?:\.(\d{1,6}))?\d*")
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_INT32 = 2**31


def is_uid(text: str) -> bool:
    """Tell whether text can be a UID (PS3.5 section 9); leading zeros are let pass."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


@dataclass(slots=True)
class ValueReader:
    """Typed access to a dataset. What cannot be read is None, or empty text, and leaves one note."""

    dataset: Dataset
    notes: list[str] = field(default_factory=list)

    def within(self, item: Dataset) -> ValueReader:
        """Return a reader of a sequence item that notes into the same list."""
        return ValueReader(item, self.notes)

    def value(self, keyword: str) -> Any:
        """Return the element's value, None where it is absent, empty or unreadable."""
        try:
            return self.dataset[keyword].value if keyword in self.dataset else None
        except PARSER_ERRORS:
            self.note(f"{keyword} could not be read.")
            return None

    def values(self, keyword: str) -> list[Any]:
        """Return a multi-valued element as a list."""
        value = self.value(keyword)
        if value is None or value == "":
            return []
        return list(value) if not isinstance(value, str | bytes) and hasattr(value, "__iter__") else [value]

    def items(self, keyword: str) -> list[Dataset]:
        """Return a sequence's items."""
        return [item for item in self.values(keyword) if isinstance(item, Dataset)]

    def text(self, keyword: str, limit: int = 64) -> str:
        """Return printable text of at most `limit` characters."""
        try:
            text = "\\".join(str(value) for value in self._plural(keyword))
        except PARSER_ERRORS:
            self.note(f"{keyword} could not be read.")
            return ""
        cleaned = _CONTROL.sub(" ", text).strip()
        if len(cleaned) > limit:
            self.note(f"{keyword} was longer than {limit} characters and is shown shortened.")
        return cleaned[:limit].rstrip()

    def uid(self, keyword: str) -> str:
        """Return a UID, empty where it is absent or impossible."""
        text = self.text(keyword, limit=256)
        if is_uid(text):
            return text
        if text:
            self.note(f"{keyword} is not a UID.")
        return ""

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """Return finite numbers, or nothing where one of them is not."""
        try:
            found = tuple(float(value) for value in self.values(keyword))
        except PARSER_ERRORS:
            found = (math.nan,)
        if all(math.isfinite(number) for number in found):
            return found
        self.note(f"{keyword} is not a number.")
        return ()

    def number(self, keyword: str) -> float | None:
        """Return the first number of an element."""
        found = self.numbers(keyword)
        return found[0] if found else None

    def integer(self, keyword: str) -> int | None:
        """Return a whole number of at most 32 bits."""
        number = self.number(keyword)
        if number is None:
            return None
        if number != int(number) or not -_INT32 <= number < _INT32:
            self.note(f"{keyword} is not a whole number of a sensible size.")
            return None
        return int(number)

    def vector(self, keyword: str, length: int) -> tuple[float, ...] | None:
        """Return exactly `length` numbers, or None."""
        found = self.numbers(keyword)
        if len(found) == length:
            return found
        if found:
            self.note(f"{keyword} has {len(found)} values instead of {length}.")
        return None

    def date(self, keyword: str) -> datetime.date | None:
        """Return a date (VR DA), older separators accepted."""
        text = self.text(keyword)
        match = _DATE.fullmatch(text)
        with suppress(ValueError):
            if match:
                return datetime.date(*(int(part) for part in match.groups()))
        self._note_invalid(keyword, text)
        return None

    def time(self, keyword: str) -> datetime.time | None:
        """Return a time of day (VR TM)."""
        text = self.text(keyword)
        match = _TIME.fullmatch(text)
        with suppress(ValueError):
            if match:
                hour, minute, second = (int(part or 0) for part in match.groups()[:3])
                return datetime.time(hour, minute, min(second, 59), int((match[4] or "").ljust(6, "0")))
        self._note_invalid(keyword, text)
        return None

    def note(self, sentence: str) -> None:
        """Keep a sentence about what was found, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def _note_invalid(self, keyword: str, text: str) -> None:
        if text:
            self.note(f"{keyword} {text!r} is not valid and is left empty.")

    def _plural(self, keyword: str) -> list[Any]:
        value = self.value(keyword)
        if value is None:
            return []
        is_list = not isinstance(value, str | bytes) and hasattr(value, "__iter__") and not hasattr(value, "components")
        return list(value) if is_list else [value]

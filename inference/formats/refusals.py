"""Why a model is not imported: each reason has a stable code and a sentence that says what to do."""

from __future__ import annotations

from typing import ClassVar

from studies.errors import ConflictError, InvalidInputError


class FormatUnknownError(InvalidInputError):
    """Nothing there is in a form that SegWeb reads."""

    code: ClassVar[str] = "model.format_unknown"


class NotUnderstoodError(InvalidInputError):
    """The model asks for something that SegWeb does not do; guessing would give other labels."""

    code: ClassVar[str] = "model.not_understood"


class UnsafeModelError(InvalidInputError):
    """The model holds code, points elsewhere, or is built to exhaust the machine."""

    code: ClassVar[str] = "model.unsafe"


class BrokenModelError(InvalidInputError):
    """The files contradict themselves or are incomplete."""

    code: ClassVar[str] = "model.broken"


class ModelExistsError(ConflictError):
    """The catalogue already holds this name and version."""

    code: ClassVar[str] = "model.exists"

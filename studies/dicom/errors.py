"""Why a file cannot be taken in or shown, each with a code that never changes."""

from __future__ import annotations

from typing import ClassVar

from studies.errors import InvalidInputError


class FileRefusedError(InvalidInputError):
    """A file that cannot become a record."""

    code: ClassVar[str] = "file.refused"


class NotDicomError(FileRefusedError):
    """No DICOM Part 10 file."""

    code = "file.not_dicom"


class DirectoryRecordError(FileRefusedError):
    """A DICOMDIR: the table of contents of a disc, not an object."""

    code = "file.is_dicomdir"


class TruncatedFileError(FileRefusedError):
    """The file ends before what it announces."""

    code = "file.truncated"


class MalformedFileError(FileRefusedError):
    """The file breaks the encoding rules in a way that cannot be read past."""

    code = "file.malformed"


class NestedTooDeepError(FileRefusedError):
    """Sequences within sequences beyond anything a device writes."""

    code = "file.nested_too_deep"


class TooManyElementsError(FileRefusedError):
    """More data elements than a reader should spend time on."""

    code = "file.too_many_elements"


class AbsurdSizeError(FileRefusedError):
    """Stated sizes that no device produces, or that would exhaust memory."""

    code = "file.absurd_size"


class NoPixelsError(FileRefusedError):
    """An image object without its image."""

    code = "file.no_pixels"


class MissingIdentifierError(FileRefusedError):
    """One of the UIDs that make an object findable is absent or impossible."""

    code = "file.missing_identifier"


class UnknownTransferSyntaxError(FileRefusedError):
    """Encoded in a way this installation does not know."""

    code = "file.unknown_transfer_syntax"


class PixelsUndecodableError(InvalidInputError):
    """The object is stored, its pixels cannot be decoded."""

    code: ClassVar[str] = "pixels.undecodable"

"""What can go wrong, as one hierarchy: each error has a stable code and a sentence that says what to do next."""

from __future__ import annotations

from typing import ClassVar


class DomainError(Exception):
    """A refusal a person can act on.

    Attributes
    ----------
    code
        Stable, machine-readable, ``noun.problem``; never changes once released.
    status
        The HTTP status a door answers with.
    """

    code: ClassVar[str] = "domain.error"
    status: ClassVar[int] = 400

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class NotFoundError(DomainError):
    """The thing is not there, or this person may not know that it is."""

    code = "record.not_found"
    status = 404


class ForbiddenError(DomainError):
    """The person sees the thing and may not do this to it."""

    code = "act.forbidden"
    status = 403


class ConflictError(DomainError):
    """The thing changed, or is in a state that does not allow this."""

    code = "record.conflict"
    status = 409


class InvalidInputError(DomainError):
    """The request makes no sense as it stands."""

    code = "input.invalid"
    status = 422

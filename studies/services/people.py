"""Signing in and out, passwords, and how long an unused session lasts."""

from __future__ import annotations

import time

from django.conf import settings
from django.contrib.auth import authenticate, login, logout, password_validation, update_session_auth_hash
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from studies.errors import DomainError, InvalidInputError
from studies.events import end_session_on_commit
from studies.models import User
from studies.permissions import client_address, signed_in_user
from studies.services import audit

UNKNOWN_ACTOR = "unknown"
LAST_ACTIVITY = "last_activity"
_WRITES_PER_TIMEOUT = 30
"""The session row is written at most this often per idle time-out; a session may end that much early, never late."""


class WrongCredentialsError(DomainError):
    """No such person, a wrong password, or a disabled account: nobody is told which."""

    code = "session.wrong_credentials"
    status = 401


class PasswordRefusedError(InvalidInputError):
    """The new password is too weak, or the current one is wrong."""

    code = "password.refused"


def sign_in(request: HttpRequest, *, username: str, password: str) -> User:
    """Check the credentials, start a new session and record either outcome.

    During a lockout axes marks the request, and its middleware answers in this function's place.
    """
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        _record_failed_sign_in(request, username)
        raise WrongCredentialsError("The name or the password is wrong.")
    previous_key = request.session.session_key
    with transaction.atomic():
        login(request, user)
        note_activity(request.session)
        audit.record(act="session.signed_in", actor=user, subject=user, address=client_address(request))
        if previous_key and previous_key != request.session.session_key:
            end_session_on_commit(previous_key)
    return user


def _record_failed_sign_in(request: HttpRequest, username: str) -> None:
    """Record the attempt; a name nobody has is not written down, it may be a password typed in the wrong field."""
    person = User.objects.filter(username=username).first()
    is_locked = bool(getattr(request, "axes_locked_out", False))
    audit.record(
        act="session.sign_in_refused",
        actor=person or UNKNOWN_ACTOR,
        subject=person,
        outcome=audit.REFUSED if is_locked else audit.FAILED,
        address=client_address(request),
        reason="locked_out" if is_locked else "wrong_credentials",
    )


def end_session(request: HttpRequest, *, act: str = "session.signed_out") -> None:
    """End the session: forget its row, close its sockets, record whose it was."""
    user, key = request.user, request.session.session_key
    with transaction.atomic():
        logout(request)
        if isinstance(user, User):
            audit.record(act=act, actor=user, subject=user, address=client_address(request))
        if key:
            end_session_on_commit(key)


def change_password(request: HttpRequest, *, current_password: str, new_password: str) -> User:
    """Replace the password; this session goes on under a new key, every other session of the person ends."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=signed_in_user(request).pk)
        if not user.check_password(current_password):
            raise PasswordRefusedError("The current password is wrong. Type it again.", field="current_password")
        if new_password == current_password:
            raise PasswordRefusedError("Choose a password that differs from the current one.", field="new_password")
        _validate_password(new_password, user)
        user.set_password(new_password)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])
        previous_key = request.session.session_key
        update_session_auth_hash(request, user)
        audit.record(act="password.changed", actor=user, subject=user, address=client_address(request))
        if previous_key:
            end_session_on_commit(previous_key)
    request.user = user
    return user


def _validate_password(password: str, user: User) -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise PasswordRefusedError(" ".join(error.messages), field="new_password") from error


def is_session_idle(session: SessionBase) -> bool:
    """Tell whether nobody has acted in this session for the idle time-out."""
    last = session.get(LAST_ACTIVITY)
    return last is not None and time.time() - float(last) > settings.SEGWEB_IDLE_TIMEOUT_S


def note_activity(session: SessionBase) -> None:
    """Keep the time of the person's last act, writing to the database only now and then."""
    now, last = time.time(), session.get(LAST_ACTIVITY)
    if last is None or now - float(last) >= settings.SEGWEB_IDLE_TIMEOUT_S / _WRITES_PER_TIMEOUT:
        session[LAST_ACTIVITY] = now

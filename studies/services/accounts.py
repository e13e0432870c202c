"""The accounts a new installation starts with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import transaction

from studies.errors import ConflictError
from studies.models import Role, User
from studies.services import audit

FIRST_ACCOUNTS = (("admin", Role.ADMINISTRATOR), ("clinician", Role.CLINICIAN))


class AccountExistsError(ConflictError):
    """The username is taken."""

    code = "account.exists"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account as shown once to the person who installs: the password is kept nowhere."""

    username: str
    role: Role
    password: str


@transaction.atomic
def create_first_accounts() -> tuple[NewAccount, ...]:
    """Create the first administrator and the demo clinician, unless there are people already."""
    if User.objects.exists():
        return ()
    return tuple(create_account(username, role=role) for username, role in FIRST_ACCOUNTS)


@transaction.atomic
def create_account(username: str, *, role: Role) -> NewAccount:
    """Create an account with a one-time password that must be changed at the first sign-in."""
    if User.objects.filter(username=username).exists():
        raise AccountExistsError(f"There is an account named {username} already. Choose another name.")
    password = secrets.token_urlsafe(12)
    is_administrator = role == Role.ADMINISTRATOR
    user = User.objects.create_user(
        username, password=password, role=role, is_staff=is_administrator, must_change_password=True
    )
    audit.record(act="account.created", actor=audit.SYSTEM_ACTOR, subject=user, role=str(role))
    return NewAccount(username, role, password)

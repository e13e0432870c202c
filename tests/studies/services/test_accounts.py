"""The accounts a new installation starts with."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from studies.models import AuditEntry, Role, User
from studies.services.accounts import create_first_accounts

pytestmark = pytest.mark.django_db


def test_the_first_start_creates_an_administrator_and_a_clinician_with_one_time_passwords() -> None:
    accounts = create_first_accounts()
    assert [(a.username, a.role) for a in accounts] == [("admin", Role.ADMINISTRATOR), ("clinician", Role.CLINICIAN)]
    for account in accounts:
        user = User.objects.get(username=account.username)
        assert user.check_password(account.password)
        assert user.must_change_password
        assert user.is_staff == (account.role == Role.ADMINISTRATOR)
    assert accounts[0].password != accounts[1].password


def test_a_second_start_creates_nobody() -> None:
    create_first_accounts()
    assert create_first_accounts() == ()
    assert User.objects.count() == 2


def test_no_password_reaches_the_audit_trail() -> None:
    accounts = create_first_accounts()
    trail = str(list(AuditEntry.objects.values()))
    assert "account.created" in trail
    assert not any(account.password in trail for account in accounts)


def test_an_administrator_is_created_once_by_command() -> None:
    said = io.StringIO()
    call_command("create_administrator", "chief", stdout=said)
    password = said.getvalue().split()[-1]
    assert User.objects.get(username="chief").check_password(password)
    with pytest.raises(CommandError, match="already"):
        call_command("create_administrator", "chief")

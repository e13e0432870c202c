"""Every socket, found by walking the code, refuses strangers, other teams and other sites."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.test import Client

from inference.consumers import websocket_urlpatterns as job_sockets
from segweb.asgi import application
from studies.consumers import websocket_urlpatterns as study_sockets
from studies.models import User
from tests.factories import UserFactory
from tests.house.conftest import Records
from tests.house.test_access import as_administrator

pytestmark = [pytest.mark.house, pytest.mark.django_db(transaction=True)]
SOCKETS = {str(entry.pattern): entry for entry in (*study_sockets, *job_sockets)}


def cookies_of(user: User | None) -> list[tuple[bytes, bytes]]:
    if user is None:
        return []
    client = Client()
    client.force_login(user)
    return [(b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())]


def open_socket(path: str, headers: list[tuple[bytes, bytes]]) -> ApplicationCommunicator:
    scope = {"type": "websocket", "path": path, "query_string": b"", "subprotocols": [], "headers": headers}
    return ApplicationCommunicator(application, scope)


async def close_code(path: str, headers: list[tuple[bytes, bytes]]) -> int | None:
    """Open a socket and return the code with which it is closed; None where it stays open."""
    socket = open_socket(path, [(b"origin", b"http://127.0.0.1"), (b"host", b"127.0.0.1"), *headers])
    await socket.send_input({"type": "websocket.connect"})
    assert (await socket.receive_output(timeout=5))["type"] == "websocket.accept"
    if await socket.receive_nothing(timeout=0.5):
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait(timeout=5)
        return None
    message = await socket.receive_output(timeout=5)
    return int(message["code"]) if message["type"] == "websocket.close" else None


def socket_path(route: str, values: dict[str, object]) -> str:
    for name, value in values.items():
        route = route.replace(f"<uuid:{name}>", str(value))
    return f"/{route}"


def is_of_one_record(route: str) -> bool:
    return "<uuid" in route


@pytest.mark.parametrize("route", SOCKETS)
async def test_every_socket_refuses_strangers_and_those_who_may_not_act_yet(route: str) -> None:
    path = socket_path(route, {name: uuid.uuid4() for name in ("study_id", "job_id", "evaluation_id")})
    assert await close_code(path, []) == 4401
    pending = await sync_to_async(lambda: cookies_of(UserFactory.create(must_change_password=True)))()
    assert await close_code(path, pending) == 4401
    forged = [(b"cookie", b"sessionid=" + b"a" * 32)]
    assert await close_code(path, forged) == 4401


@pytest.mark.parametrize("route", [route for route in SOCKETS if is_of_one_record(route)])
async def test_every_socket_hides_other_teams_records(route: str, make_records: Callable[[], Records]) -> None:
    theirs, mine = await sync_to_async(lambda: (make_records(), make_records()))()
    cookies = await sync_to_async(lambda: cookies_of(as_administrator(mine.owner)))()
    assert await close_code(socket_path(route, theirs.ids), cookies) == 4404
    assert await close_code(socket_path(route, {name: uuid.uuid4() for name in theirs.ids}), cookies) == 4404
    assert await close_code(socket_path(route, mine.ids), cookies) != 4404


async def test_evaluations_are_followed_by_administrators_only(make_records: Callable[[], Records]) -> None:
    records = await sync_to_async(make_records)()
    path = socket_path("ws/evaluations/<uuid:evaluation_id>", records.ids)
    assert await close_code(path, await sync_to_async(lambda: cookies_of(records.owner))()) == 4403
    cookies = await sync_to_async(lambda: cookies_of(as_administrator(records.owner)))()
    assert await close_code(path, cookies) is None


@pytest.mark.parametrize("route", SOCKETS)
async def test_no_socket_opens_from_another_site(route: str, make_records: Callable[[], Records]) -> None:
    records = await sync_to_async(make_records)()
    cookies = await sync_to_async(lambda: cookies_of(records.owner))()
    headers = [(b"origin", b"https://evil.example"), (b"host", b"127.0.0.1"), *cookies]
    socket = open_socket(socket_path(route, records.ids), headers)
    await socket.send_input({"type": "websocket.connect"})
    assert await socket.receive_output(timeout=5) == {"type": "websocket.close"}

"""Is the portal fit to serve: database, broker, worker."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from segweb.celery import app

logger = logging.getLogger(__name__)
WORKER_ANSWER_KEPT_S = 5
_WORKER_WAIT_S = 0.5
_BROKER_WAIT_S = 1.0


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 while database and broker answer, else 503.

    A worker that is away, or too busy to answer, is told as "degraded": restarting the web process would not help it.
    Open to everybody, so it says which part is away and nothing else.
    """
    parts = {"database": _is_database_up(), "broker": _is_broker_up()}
    is_up = all(parts.values())
    has_worker = is_up and _is_worker_up()
    body = {
        "status": "ok" if has_worker else "degraded" if is_up else "down",
        **{name: "ok" if up else "down" for name, up in parts.items()},
        "worker": "ok" if has_worker else "no_answer",
    }
    response = JsonResponse(body, status=200 if is_up else 503)
    response["Cache-Control"] = "no-store"
    return response


def _is_database_up() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except DatabaseError as error:
        logger.error("The database does not answer: %s", error)
        return False


def _is_broker_up() -> bool:
    url: str = settings.CELERY_BROKER_URL
    address = url.replace("redis+socket://", "unix://", 1)
    try:
        with Redis.from_url(address, socket_timeout=_BROKER_WAIT_S, socket_connect_timeout=_BROKER_WAIT_S) as broker:
            return bool(broker.ping())
    except (RedisError, OSError, ValueError) as error:
        logger.error("The broker does not answer: %s", error)
        return False


def _is_worker_up() -> bool:
    """Ask the workers, at most every few seconds however often the question comes."""
    known: bool | None = cache.get("segweb.health.worker")
    if known is not None:
        return known
    try:
        answers = app.control.inspect(timeout=_WORKER_WAIT_S).ping()
    except (OperationalError, RedisError, OSError) as error:
        logger.error("The workers could not be asked: %s", error)
        answers = None
    cache.set("segweb.health.worker", bool(answers), WORKER_ANSWER_KEPT_S)
    return bool(answers)

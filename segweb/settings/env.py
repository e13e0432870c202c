"""Every environment variable SegWeb reads, typed, read once and refused at start when it makes no sense."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]
_env = environ.FileAwareEnv()  # NAME_FILE reads a mounted secret

ENVIRONMENTS = ("development", "test", "production")
ENVIRONMENT: str = _env.str("SEGWEB_ENVIRONMENT", default="development")
if ENVIRONMENT not in ENVIRONMENTS:
    raise ImproperlyConfigured(f"SEGWEB_ENVIRONMENT is {ENVIRONMENT!r}; set it to one of {', '.join(ENVIRONMENTS)}.")

IS_PRODUCTION = ENVIRONMENT == "production"
DATA_DIR = Path(_env.str("SEGWEB_DATA_DIR", default=str(ROOT / ".data")))


def required_in_production(name: str, default: str) -> str:
    """Read a variable that has a default on a workstation and none in production."""
    value: str = _env.str(name, default="" if IS_PRODUCTION else default)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. Production has no default for it: set it and start again.")
    return value


def positive_int(name: str, default: int) -> int:
    """Read a whole number above zero."""
    try:
        value: int = _env.int(name, default=default)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number above 0.") from error
    if value <= 0:
        raise ImproperlyConfigured(f"{name} is {value}; it must be a whole number above 0.")
    return value


def share_of_one(name: str, default: float) -> float:
    """Read a share, above 0 and at most 1."""
    try:
        value: float = _env.float(name, default=default)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a number above 0 and at most 1.") from error
    if not 0 < value <= 1:
        raise ImproperlyConfigured(f"{name} is {value}; it must be above 0 and at most 1.")
    return value


def choose_run_dir(data_dir: Path) -> Path:
    """Return where sockets and locks lie: in the data folder, unless its path is too long for a unix socket (107)."""
    folder = data_dir / "run"
    if len(str(folder)) <= 90:
        return folder
    return Path(tempfile.gettempdir()) / f"segweb-{hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]}"


RUN_DIR = choose_run_dir(DATA_DIR.resolve())
VALKEY_SOCKET = RUN_DIR / "valkey.sock"
SECRET_KEY = required_in_production("SEGWEB_SECRET_KEY", "development-only-not-a-secret-0123456789abcdef")
DATABASE_URL = required_in_production("SEGWEB_DATABASE_URL", f"sqlite:///{DATA_DIR / 'segweb.sqlite3'}")
BROKER_URL = required_in_production("SEGWEB_BROKER_URL", f"redis+socket://{VALKEY_SOCKET}")
ALLOWED_HOSTS: list[str] = _env.list(
    "SEGWEB_ALLOWED_HOSTS", default=[] if IS_PRODUCTION else ["127.0.0.1", "localhost"]
)
TRUSTED_ORIGINS: list[str] = _env.list("SEGWEB_TRUSTED_ORIGINS", default=[])
BEHIND_TLS_PROXY: bool = _env.bool("SEGWEB_BEHIND_TLS_PROXY", default=IS_PRODUCTION)
PROXY_COUNT: int = _env.int("SEGWEB_PROXY_COUNT", default=1 if BEHIND_TLS_PROXY else 0)
IDLE_TIMEOUT_S = positive_int("SEGWEB_IDLE_TIMEOUT_S", 15 * 60)
MAX_UPLOAD_BYTES = positive_int("SEGWEB_MAX_UPLOAD_BYTES", 8 * 1024**3)
MOST_JOBS_PER_PERSON = positive_int("SEGWEB_MOST_JOBS_PER_PERSON", 20)
"""Jobs that one person may have waiting or running over one team's studies, unless the team has a limit of its own."""
MOST_JOBS_PER_TEAM = positive_int("SEGWEB_MOST_JOBS_PER_TEAM", 200)
"""Jobs over one team's studies, whoever asked for them, likewise."""
WARM_MEMORY_SHARE = share_of_one("SEGWEB_WARM_MEMORY_SHARE", 0.6)
"""Of a GPU's memory, or the machine's where networks run on the CPU, for networks that stay loaded between jobs; what
the runs themselves were measured to need is taken off (`inference.pipeline.warm_models`)."""
TORCH_THREADS: int = _env.int("SEGWEB_TORCH_THREADS", default=0)


def read_database() -> dict[str, object]:
    """Return Django's database settings for SEGWEB_DATABASE_URL (sqlite or postgresql).

    SQLite runs in WAL mode and takes its write lock when a transaction begins, so that a reader who turns writer
    waits for the lock instead of failing on a stale snapshot.
    """
    database: dict[str, object] = _env.db_url_config(DATABASE_URL)
    if str(database["ENGINE"]).endswith("sqlite3"):
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
            "PRAGMA cache_size=-32768;",  # 32 MB a connection: the upper pages of the worklist's indexes
        }
    else:
        database["CONN_HEALTH_CHECKS"] = True
        database["CONN_MAX_AGE"] = 60
    return database


def channel_layer_host(broker_url: str) -> str:
    """Return the broker's address in the form the channel layer wants (Celery writes unix sockets another way)."""
    return broker_url.replace("redis+socket://", "unix://", 1)

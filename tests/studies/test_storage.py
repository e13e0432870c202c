"""The store: once by content, whole or not at all, clear when it cannot write."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from studies import storage
from studies.storage import BlobMissingError, BlobStore, StorageFullError, StorageNotWritableError, StoredBlob


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MiB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a tmpfs takes root here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_key_is_the_sha256_of_the_bytes(store: BlobStore) -> None:
    content = b"DICM" * 1000
    stored = store.put(io.BytesIO(content))
    assert stored == StoredBlob(hashlib.sha256(content).hexdigest(), len(content))
    with store.open(stored.digest) as stream:
        assert stream.read() == content


def test_bytes_and_stream_and_linked_file_are_one_blob(store: BlobStore, tmp_path: Path) -> None:
    content = os.urandom(3 * storage.CHUNK_BYTES + 17)
    part = tmp_path / "part"
    part.write_bytes(content)
    assert store.put(content) == store.put(io.BytesIO(content)) == store.link(part)
    part.unlink()
    assert [path.read_bytes() for path in files_below(tmp_path)] == [content]


def test_a_linked_file_stays_when_its_first_name_goes(store: BlobStore, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(b"content")
    stored = store.link(part)
    assert store.path(stored.digest).stat().st_ino == part.stat().st_ino
    part.unlink()
    assert [path.read_bytes() for path in files_below(tmp_path)] == [b"content"]


def test_many_writers_of_one_content_leave_one_whole_file(store: BlobStore, tmp_path: Path) -> None:
    content = os.urandom(2_000_000)
    results: list[StoredBlob] = []
    threads = [threading.Thread(target=lambda: results.append(store.put(io.BytesIO(content)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert len(set(results)) == 1
    assert [path.read_bytes() for path in files_below(tmp_path)] == [content]


def test_file_and_its_name_are_synced_before_put_returns(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    sync, replace = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        order.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        sync(descriptor)

    def noted_replace(self: Path, target: Path) -> Path:
        order.append(f"rename {self.name}")
        return replace(self, target)

    store.put(b"warm the folders")
    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    digest = store.put(b"content").digest
    temporary = order[-2].removeprefix("rename ")
    assert order[-2:] == [f"rename {temporary}", f"sync {digest[:2]}"]
    assert f"sync {temporary}" in order[:-2]


def test_a_truncated_blob_is_mended_by_sending_it_again(store: BlobStore) -> None:
    stored = store.put(b"the whole content")
    store.path(stored.digest).write_bytes(b"the who")
    store.put(b"the whole content")
    assert store.path(stored.digest).read_bytes() == b"the whole content"


def test_a_full_disk_is_said_and_leaves_nothing_behind(small_disk: Path) -> None:
    store = BlobStore(small_disk)
    kept = store.put(b"x" * 1000)
    with pytest.raises(StorageFullError, match="full") as caught:
        store.put(io.BytesIO(bytes(2_000_000)))
    assert caught.value.code == "storage.full"
    assert files_below(small_disk) == [store.path(kept.digest)]


def test_disk_full_on_sync_leaves_nothing_behind(
    store: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    storage.make_folder(store.incoming)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageFullError):
        store.put(b"content")
    assert files_below(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_said(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(storage.tempfile, "mkstemp", refuse)
    with pytest.raises(StorageNotWritableError, match="cannot be written"):
        store.put(b"content")


def test_a_missing_blob_says_what_to_do(store: BlobStore) -> None:
    with pytest.raises(BlobMissingError, match="backup"):
        store.open("0" * 64)


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "ab", "A" * 64, "0" * 64 + "/x", "0" * 64 + "\n"])
def test_a_key_is_never_a_path(store: BlobStore, key: str) -> None:
    with pytest.raises(ValueError, match="not the key"):
        store.path(key)


def test_sweep_takes_only_what_is_old(store: BlobStore) -> None:
    storage.make_folder(store.incoming)
    old, young = store.incoming / "old", store.incoming / "young"
    old.write_bytes(b"")
    young.write_bytes(b"")
    os.utime(old, (0, 0))
    assert store.sweep(older_than_s=3600) == 1
    assert files_below(store.root) == [young]


def test_a_derived_file_appears_only_when_whole(settings: object, tmp_path: Path) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path  # type: ignore[attr-defined]
    key = "a" * 64

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("decoder died")

    with pytest.raises(RuntimeError):
        storage.write_derived("volume", key, broken())
    assert files_below(tmp_path) == []
    path = storage.write_derived("volume", key + ".zst", (b"who", b"le"))
    assert path == storage.derived_path("volume", key + ".zst")
    assert path.read_bytes() == b"whole"

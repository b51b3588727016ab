"""The engine cache: found, missing, stale and corrupt with the reason; private, bounded, locked, never half written."""

import errno
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tensorrt_builds import Lines

from redwood_depth.engines.progress import Report
from redwood_depth.engines.tensorrt.cache import EngineCache, EngineKey, cache_folder
from redwood_depth.errors import EngineError

KEY = EngineKey("a" * 64, "TensorRT", "10.3.0", "Orin", "8.7", "fp16")


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    cache = EngineCache("my model", tmp_path / "cache")
    with cache.lock(Report()):
        pass
    return cache


def test_it_lies_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "redwood_depth"
    for unusable in ("", "relative"):  # XDG: relative paths are ignored
        monkeypatch.setenv("XDG_CACHE_HOME", unusable)
        assert cache_folder() == Path.home() / ".cache" / "redwood_depth"


def test_what_was_stored_is_found_with_its_verification(cache: EngineCache) -> None:
    assert cache.find(KEY) == (None, "no engine of it is cached")
    cache.store(KEY, b"plan")
    found, reason = cache.find(KEY)
    assert found is not None
    assert (found.plan, found.verification, reason) == (b"plan", None, "found")
    assert found.path.name.startswith("my-model-fp16-sm87-")
    cache.describe(KEY, b"plan", {"passed": True})
    found, _ = cache.find(KEY)
    assert found is not None
    assert found.verification == {"passed": True}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "10.13.0"}, "version 10.3.0, not 10.13.0"),
        ({"gpu": "RTX 4090", "compute_capability": "8.9"}, "GPU Orin, not RTX 4090; compute capability 8.7, not 8.9"),
        ({"model_sha256": "b" * 64}, "model aaaaaaaaaaaa, not bbbbbbbbbbbb"),
        ({"flavor": "TensorRT-RTX"}, "flavor TensorRT, not TensorRT-RTX"),
        ({"precision": "int8"}, "precision fp16, not int8"),
    ],
)
def test_another_key_is_another_engine_and_the_difference_is_named(
    cache: EngineCache, changes: dict[str, str], words: str
) -> None:
    cache.store(replace(KEY, model_sha256="c" * 64, precision="fp32", version="9"), b"farther off")
    cache.store(KEY, b"plan")
    assert cache.find(replace(KEY, **changes)) == (None, f"the nearest cached engine is for {words}")
    assert EngineCache("other", cache.folder).find(KEY)[1] == "no engine of it is cached"


def test_damage_is_found_and_named(cache: EngineCache) -> None:
    path = cache.store(KEY, b"plan of some length").path
    path.write_bytes(b"plan of some")
    assert "corrupt" in cache.find(KEY)[1]
    cache.store(KEY, b"plan of some length")
    description = path.with_name(path.name + ".json")
    description.write_text("{")
    assert "no description, as after a broken write" in cache.find(KEY)[1]
    description.write_text("[]")
    assert cache.find(KEY)[0] is None
    description.unlink()
    assert cache.find(KEY)[0] is None
    cache.store(KEY, b"plan")
    assert cache.find(KEY)[0] is not None


def test_it_is_private(cache: EngineCache) -> None:
    cache.folder.chmod(0o777)
    with cache.lock(Report()):
        path = cache.store(KEY, b"plan").path
    assert cache.folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in cache.folder.iterdir()} == {0o600}
    assert path.with_name(path.name + ".json").is_file()


def test_a_folder_of_somebody_else_is_refused(cache: EngineCache, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = cache.folder.stat().st_uid
    if owner == 0:
        os.chown(cache.folder, 1234, 1234)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(EngineError, match=r"belongs to another user.*XDG_CACHE_HOME"), cache.lock(Report()):
        pass


@pytest.mark.parametrize("planted", ["by another user", "writable by others"])
def test_an_engine_that_somebody_else_can_have_written_is_not_taken(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    path = cache.store(KEY, b"plan").path
    if planted == "writable by others":
        path.chmod(0o666)
    elif os.geteuid() == 0:
        os.chown(path, 1234, 1234)
    else:
        owner = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    found, reason = cache.find(KEY)
    assert found is None
    assert "is not this user's own, or others can write it" in reason
    monkeypatch.undo()
    cache.store(KEY, b"built anew")
    found, _ = cache.find(KEY)
    assert found is not None
    assert found.plan == b"built anew"


def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    cache = EngineCache("model", tmp_path, size_limit_bytes=250)
    keys = [replace(KEY, version=f"10.{index}") for index in range(3)]
    for age_s, key in zip((30, 20), keys[:2], strict=True):
        path = cache.store(key, b"x" * 100).path
        os.utime(path, (time.time() - age_s,) * 2)
    assert cache.find(keys[0])[0] is not None  # used just now: the second is the oldest
    cache.store(keys[2], b"x" * 100)
    assert [cache.find(key)[0] is not None for key in keys] == [True, False, True]
    assert not cache.path(keys[1]).with_name(cache.path(keys[1]).name + ".json").exists()
    cache.store(keys[1], b"x" * 400)  # larger than the limit alone: kept, for it is the one that is needed
    assert [path.name for path in tmp_path.glob("*.engine")] == [cache.path(keys[1]).name]


@pytest.mark.parametrize(
    ("code", "words"), [(errno.ENOSPC, "No space left.*free disk space"), (errno.EROFS, "Read-only.*make it writable")]
)
def test_a_full_or_read_only_disk_leaves_nothing_behind(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(EngineError, match=f"{words}, or set XDG_CACHE_HOME") as failure:
        cache.store(KEY, b"plan")
    assert "\n" not in str(failure.value)
    assert [path.name for path in cache.folder.iterdir()] == ["build.lock"]


def test_what_a_killed_builder_left_is_cleaned_up(cache: EngineCache) -> None:
    abandoned, fresh = (cache.folder / f".model.engine.{name}.partial" for name in ("abandoned", "fresh"))
    for path in (abandoned, fresh):
        path.write_bytes(b"half")
    os.utime(abandoned, (time.time() - 3600,) * 2)
    cache.store(KEY, b"plan")
    assert list(cache.folder.glob(".*.partial")) == [fresh]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(EngineError, match="cannot write into the engine cache"),
        EngineCache("model", tmp_path / "file" / "cache").lock(Report()),
    ):
        pass


def test_who_waits_for_a_builder_says_so_and_can_be_stopped(cache: EngineCache) -> None:
    lines = Lines()
    order = []

    def second() -> None:
        with cache.lock(lines.report()):
            order.append("second")

    with cache.lock(Report()):
        thread = threading.Thread(target=second)
        thread.start()
        with pytest.raises(EngineError, match="stopped"), cache.lock(Report(cancelled=lambda: True)):
            pass
        while not lines:
            time.sleep(0.01)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert lines[0].startswith("another process builds an engine: waiting")


def test_descriptions_hold_plain_facts(cache: EngineCache) -> None:
    path = cache.store(KEY, b"plan").path
    description = json.loads(path.with_name(path.name + ".json").read_text())
    assert description["key"]["gpu"] == "Orin"
    assert set(description) == {"model", "key", "engine_sha256", "built", "verification"}

"""Laws of arena.db: old or new and never a mixture, two processes agree, no stranger's file is harmed."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bandits.errors import BadFile, BanditsError, InvalidValue, StoreError, UnknownName
from bandits.model.energy import Energy
from bandits.store import database, schema
from bandits.store.aside import file_id, keep_aside
from bandits.store.rows import PackedState
from bandits.store.store import Store


def state(number: int = 0, size: int = 64) -> PackedState:
    """A state whose every part says the same number, so that a mixture shows."""
    return PackedState(
        metadata={"number": number},
        dataset_sha256="d" * 64,
        model_sha256=f"{number:064d}",
        loss=float(number),
        arrays=bytes([number % 256]) * size,
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "home")
    yield store
    store.close()


def add(store: Store, name: str, number: int = 0) -> int:
    with store.transaction():
        return store.agents.insert(
            name,
            state(number),
            Energy(training=number),
            command="create",
            mu=25.0,
            sigma=8.0,
        )


def one_line(error: BaseException) -> str:
    message = str(error)
    assert message
    assert message.isprintable()  # a line break is not
    return message


# What is stored


def test_a_closed_store_gives_back_what_was_put_in(tmp_path: Path) -> None:
    first = Store(tmp_path)
    add(first, "Ada", 7)
    first.close()
    second = Store(tmp_path)
    record, arrays = second.agents.with_arrays("Ada")
    assert (record.metadata, record.loss, arrays) == (
        {"number": 7},
        7.0,
        bytes([7]) * 64,
    )
    assert record.energy == Energy(training=7)
    second.close()


def test_a_failed_transaction_changes_nothing(store: Store) -> None:
    def interrupted() -> None:
        with store.transaction():
            store.set_meta("current", "1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store.meta("current") is None
    add(store, "Ada")  # and the lock is free again


def test_energy_beyond_64_bits_is_kept_exactly_and_sums_to_the_ledger(
    store: Store,
) -> None:
    agent_id = add(store, "Ada", 1)
    with store.transaction():
        store.agents.charge(agent_id, Energy(generation=2**70), command="generate")
        store.agents.charge(agent_id, Energy(evaluation=3), command="evaluate")
    energy = store.agents.row("Ada").energy
    assert energy == Energy(training=1, generation=2**70, evaluation=3)
    ledger = store.agents.ledger(agent_id)
    assert [command for command, _ in ledger] == ["create", "generate", "evaluate"]
    assert sum((spent for _, spent in ledger), Energy()) == energy


def test_a_stale_copy_cannot_overwrite_a_newer_state(store: Store) -> None:
    add(store, "Ada", 1)
    stale = store.agents.row("Ada")
    with store.transaction():
        store.agents.update(stale, state(2), Energy(training=1), command="train")
    refused = pytest.raises(StoreError, match="'Ada' was changed by another")
    with refused as caught, store.transaction():
        store.agents.update(stale, state(3), Energy(training=1), command="train")
    one_line(caught.value)
    assert store.agents.row("Ada").metadata == {"number": 2}
    assert store.agents.row("Ada").energy == Energy(training=2)


def test_charges_of_two_holders_add_up_and_never_conflict(store: Store) -> None:
    agent_id = add(store, "Ada", 1)
    record = store.agents.row("Ada")
    with store.transaction():
        store.agents.charge(agent_id, Energy(generation=5), command="generate")
    with store.transaction():
        store.agents.update(record, state(2), Energy(training=10), command="train")
    assert store.agents.row("Ada").energy == Energy(training=11, generation=5)


def test_a_deleted_agent_takes_its_rows_along_and_its_matches_keep_its_name(
    store: Store,
) -> None:
    add(store, "Ada", 1)
    add(store, "Bob", 2)
    a, b = store.agents.row("Ada"), store.agents.row("Bob")
    with store.transaction():
        number = store.matches.insert(
            a, b, ruleset=1, dataset_name="names", winner="a", outcome={"x": 1}
        )
    assert (store.agents.row("Ada").wins, store.agents.row("Bob").losses) == (1, 1)
    with store.transaction():
        store.agents.delete("Ada")
    (match,) = store.matches.all()
    assert match == store.matches.row(number)
    assert (match.a_name, match.b_name, match.winner, match.outcome) == (
        "Ada",
        "Bob",
        "a",
        {"x": 1},
    )
    assert store.database.rows("SELECT count(*) FROM agent_arrays") == [(1,)]
    assert store.database.rows("SELECT count(*) FROM ledger") == [(1,)]
    newcomer = add(store, "Ada", 3)
    assert newcomer not in (
        a.id,
        b.id,
    )  # a stale copy of the old Ada cannot reach the new one


def test_names_are_unique_and_an_unknown_one_gets_the_nearest(store: Store) -> None:
    add(store, "Ada")
    add(store, "Bob")
    with pytest.raises(InvalidValue, match="'Ada' is taken"), store.transaction():
        store.agents.rename("Bob", "Ada")
    with pytest.raises(UnknownName, match="no agent 'Adda'; did you mean 'Ada'"):
        store.agents.row("Adda")
    with pytest.raises(UnknownName) as caught:
        store.agents.row("\x1b[31mred")
    one_line(caught.value)


def test_a_dataset_comes_back_document_for_document(store: Store) -> None:
    documents = ("ada", "zoë", "x" * 1000)
    with store.transaction():
        store.insert_dataset("mine", "a" * 64, documents)
    assert tuple(store.documents("a" * 64)) == documents
    assert store.datasets() == [("mine", "a" * 64)]


def test_cached_scores_of_weights_that_are_gone_are_dropped(store: Store) -> None:
    add(store, "Ada", 1)
    kept, dropped = (
        (state(1).model_sha256, "d", 1.0, 1),
        (state(2).model_sha256, "d", 1.0, 1),
    )
    with store.transaction():
        store.put_score(dropped, {"score": 1})
        store.put_score(kept, {"score": 2})
    assert (store.score(kept), store.score(dropped)) == ({"score": 2}, None)


# Processes

WRITER = """
import sys
from pathlib import Path
from bandits.model.energy import Energy
from bandits.store.rows import PackedState
from bandits.store.store import Store
store = Store(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    record = store.agents.row("Ada")
    n = record.metadata["number"] + 1
    state = PackedState(metadata={"number": n}, dataset_sha256="d" * 64, model_sha256=f"{n:064d}",
                        loss=float(n), arrays=bytes([n % 256]) * 20_000)
    with store.transaction():
        store.agents.update(record, state, Energy(training=1), command="train")
    print(n, flush=True)
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_kill_9_at_any_instant_leaves_the_old_or_the_new_state(tmp_path: Path) -> None:
    rng = random.Random(1)
    store = Store(tmp_path)
    add(store, "Ada")
    store.close()
    for _ in range(20):
        writer = start(WRITER, tmp_path)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        told = [int(writer.stdout.readline()) for _ in range(rng.randrange(1, 4))][-1]
        time.sleep(rng.random() * 0.01)  # any instant will do
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        store = Store(tmp_path)
        record, arrays = store.agents.with_arrays("Ada")
        n = record.metadata["number"]
        assert n >= told
        assert (record.version, record.loss, record.model_sha256) == (
            n + 1,
            n,
            f"{n:064d}",
        )
        assert set(arrays) == {n % 256}
        assert record.energy == Energy(training=n)
        assert len(store.agents.ledger(record.id)) == n
        assert store.database.rows("PRAGMA integrity_check") == [("ok",)]
        store.close()


def test_two_processes_may_open_a_fresh_folder_at_the_same_moment(
    tmp_path: Path,
) -> None:
    script = "import sys; from pathlib import Path; from bandits.store.store import Store\n"
    script += "print('ready', flush=True); sys.stdin.readline()\n"
    script += "s = Store(Path(sys.argv[1])); print(s.agents.all()); s.close()"
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "home")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for opener in openers:
        assert opener.stdout is not None
        assert opener.stdout.readline() == "ready\n"
    assert [opener.communicate("go\n") for opener in openers] == [("[]\n", "")] * 4


def test_a_lock_that_is_not_released_is_one_line_and_the_file_stays(
    tmp_path: Path,
) -> None:
    holder, waiter = Store(tmp_path), Store(tmp_path, busy_seconds=0.1)
    with holder.transaction():
        holder.set_meta("x", "1")
        refused = pytest.raises(StoreError, match="locked by another bandits")
        with refused as caught, waiter.transaction():
            pass
        one_line(caught.value)
        assert waiter.meta("x") is None  # reading goes on meanwhile
    assert waiter.meta("x") == "1"
    assert sorted(p.name for p in tmp_path.iterdir() if "kept" in p.name) == []
    holder.close()
    waiter.close()


# Files that are not ours, or not well


def refuse(home: Path, kind: type[BanditsError]) -> str:
    with pytest.raises(kind) as caught:
        Store(home, busy_seconds=0.2)
    return one_line(caught.value)


def test_a_strangers_file_is_kept_aside_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    for number in (1, 2):
        path.write_bytes(b"my diary, page %d\n" % number * 100)
        message = refuse(tmp_path, BadFile)
        assert f"kept as arena.db.kept-{number}" in message
        assert "fresh arena" in message
        Store(tmp_path).close()  # the next command
        path.unlink()
    assert (tmp_path / "arena.db.kept-1").read_bytes() == b"my diary, page 1\n" * 100
    assert (tmp_path / "arena.db.kept-2").read_bytes() == b"my diary, page 2\n" * 100


def test_only_the_file_that_was_looked_at_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    path.write_text("a stranger's")
    found = file_id(path)
    path.rename(tmp_path / "elsewhere")  # another process kept it first
    Store(tmp_path).close()  # and a third opened a fresh arena
    with pytest.raises(StoreError, match="try again"):
        keep_aside(path, found)
    assert sorted(os.listdir(tmp_path)) == ["arena.db", "elsewhere"]
    Store(tmp_path).close()


@pytest.mark.parametrize("application_id", [0, 12345])
def test_another_programs_database_is_kept_aside_whole(tmp_path: Path, application_id: int) -> None:
    path = tmp_path / "arena.db"
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA application_id = {application_id}")
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.commit()
    other.close()
    before = path.read_bytes()
    assert "is not an arena" in refuse(tmp_path, BadFile)
    assert (tmp_path / "arena.db.kept-1").read_bytes() == before
    assert not path.exists()


def test_a_newer_format_is_refused_untouched(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.database.execute("PRAGMA user_version = 99")
    store.close()
    before = store.database.path.read_bytes()
    message = refuse(tmp_path, BadFile)
    assert "newer bandits (format 99" in message
    assert store.database.path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["arena.db"]


def test_a_damaged_arena_is_refused_and_stays_where_it_is(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "Ada")
    store.close()
    before = store.database.path.read_bytes()
    store.database.path.write_bytes(before[:4096] + b"\xff" * (len(before) - 4096))
    with pytest.raises(BadFile, match="damaged") as caught:
        Store(tmp_path).agents.all()
    one_line(caught.value)
    assert not list(tmp_path.glob("*kept*"))


@pytest.mark.parametrize("what", ["folder", "pipe", "home is a file"])
def test_odd_places_are_one_line(tmp_path: Path, what: str) -> None:
    home = tmp_path / "home"
    if what == "home is a file":
        home.write_text("x")
    else:
        home.mkdir()
        (home / "arena.db").mkdir() if what == "folder" else os.mkfifo(home / "arena.db")
    assert "BANDITS_HOME" in refuse(home, StoreError)


def test_every_format_since_the_first_migrates_to_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Store(tmp_path)
    add(old, "Ada", 5)
    old.close()
    newer = (*schema.MIGRATIONS, ("ALTER TABLE agents ADD COLUMN motto TEXT",))
    monkeypatch.setattr(database, "MIGRATIONS", newer)
    new = Store(tmp_path)
    assert new.database.rows("SELECT name, motto FROM agents") == [("Ada", None)]
    assert new.database.rows("PRAGMA user_version") == [(len(newer),)]
    new.close()


# Disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted disk of 512 kB; only root may make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    on_linux = sys.platform == "linux"
    if not on_linux or subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_changes_nothing_and_says_so(small_disk: Path) -> None:
    store = Store(small_disk)
    add(store, "Ada", 1)
    record = store.agents.row("Ada")
    with (
        pytest.raises(StoreError, match="no space left") as caught,
        store.transaction(),
    ):
        store.agents.update(record, state(2, size=600_000), Energy(training=1), command="train")
    one_line(caught.value)
    assert store.agents.with_arrays("Ada") == (record, bytes([1]) * 64)
    with store.transaction():  # what fits is stored again
        store.agents.update(record, state(3), Energy(training=1), command="train")
    store.close()


def test_a_full_disk_at_the_first_run_is_one_line(small_disk: Path) -> None:
    with open(small_disk / "filler", "wb", buffering=0) as filler, suppress(OSError):
        while filler.write(b"x" * 4096):
            pass
    assert "no space left" in refuse(small_disk, StoreError)


def test_a_read_only_disk_is_one_line(small_disk: Path) -> None:
    Store(small_disk).close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert "read-only" in refuse(small_disk, StoreError)


def test_a_read_only_disk_at_the_first_run_is_one_line(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for home in (small_disk, small_disk / "new"):
        refuse(home, StoreError)


def test_a_file_that_may_not_grow_changes_nothing(store: Store) -> None:
    add(store, "Ada", 1)
    store.database.execute(
        "PRAGMA max_page_count = 20"
    )  # stands in for a full disk where none can be made
    with pytest.raises(StoreError, match="no space left"), store.transaction():
        store.agents.update(
            store.agents.row("Ada"),
            state(2, size=600_000),
            Energy(training=1),
            command="train",
        )
    assert store.agents.row("Ada").metadata == {"number": 1}

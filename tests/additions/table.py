"""A table and a column of arena.db: older arenas get them, and an older bandits says what it cannot open."""

from __future__ import annotations

from tests.support.additions import PLAY_ON, Addition, Copy, both, replaced, typed
from tests.support.shelltools import commands, quick

# Read back through the store's own door: what was there before has the column's default.
LOOK = """
import os
from pathlib import Path
from bandits.store.store import Store
store = Store(Path(os.environ["BANDITS_HOME"]))
with store.transaction():
    store.database.execute("INSERT INTO cups (agent_id) SELECT id FROM agents WHERE name = 'A'")
assert store.database.rows("SELECT name, motto FROM agents") == [("A", "onwards"), ("B", "onwards")]
assert store.database.rows("SELECT agent_id FROM cups") == [(1,)]
store.close()
"""


def use(copy: Copy) -> None:
    commands(copy.home, "train 10", "battle A B 10")  # by an older bandits
    assert "match 1 is verified" in copy.bandits("train 10", "verify 1")
    copy.python(LOOK + PLAY_ON)
    older = quick(copy.home, *typed(["agents"]))
    assert older.returncode == 1
    assert "was written by a newer bandits (format 4, this one knows 3)" in older.stderr


ADDITION = Addition(
    title="a table or a column of arena.db",
    file="bandits/store/schema.py",
    edit=both(
        replaced(
            "\nMIGRATIONS: ",
            "\n_FORMAT_4 = (\n"
            "    \"ALTER TABLE agents ADD COLUMN motto TEXT NOT NULL DEFAULT 'onwards'\",\n"
            '    "CREATE TABLE cups (agent_id INTEGER REFERENCES agents (id)) STRICT",\n'
            ")\n\n"
            "MIGRATIONS: ",
        ),
        replaced("_FORMAT_3)", "_FORMAT_3, _FORMAT_4)"),
    ),
    use=use,
)

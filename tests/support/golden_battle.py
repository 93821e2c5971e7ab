"""The first battle of a fresh arena, held to golden_battle.json on every build that this machine runs.

It plays the `bandits` that is installed beside the interpreter, in a folder of its own, and compares
what is printed and every bit of both agents afterwards.  So an installed wheel is checked from
anywhere, with nothing but the interpreter that has it:

    python path/to/tests/support/golden_battle.py

A change that is meant to change the game's numbers renews it with `... golden_battle.py --write`.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_suffix(".json")
BANDITS = Path(sysconfig.get_path("scripts"), "bandits")


def champion(path: Path) -> dict[str, Any]:
    """What a champion file says, and a hash of each of its arrays."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header, arrays = json.loads(data[8 : 8 + length]), data[8 + length :]
    said = {key: json.loads(text) for key, text in header.pop("__metadata__").items()}
    hashes = {
        f"{name} {entry['dtype']} {entry['shape']}": sha(arrays[slice(*entry["data_offsets"])])
        for name, entry in sorted(header.items())
    }
    return said | hashes


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def play(isa: str) -> dict[str, Any]:
    """Everything that the battle leaves, fought on this build of the engine in a fresh arena."""
    with tempfile.TemporaryDirectory() as folder:

        def bandits(*commands: str) -> str:
            done = subprocess.run(
                [BANDITS, *(word for command in commands for word in ("-c", command))],
                cwd=folder,
                env=os.environ | {"BANDITS_HOME": folder, "BANDITS_ISA": isa},
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            if done.returncode:
                sys.exit(f"bandits {commands} on {isa} exits {done.returncode}: {done.stderr}")
            return done.stdout

        printed = bandits("battle A B 100 --json")
        bandits(*(f"save {name}.safetensors --agent {name}" for name in "AB"))
        return {
            "printed": sha(printed.encode()),
            "battle": json.loads(printed),
            **{name: champion(Path(folder, f"{name}.safetensors")) for name in "AB"},
        }


def differences(found: Any, golden: Any, at: str = "") -> list[str]:
    """The places where two JSON values differ, each with both."""
    if isinstance(found, dict) and isinstance(golden, dict):
        return [
            line
            for key in {**golden, **found}
            for line in differences(found.get(key), golden.get(key), f"{at}.{key}")
        ]
    return [] if found == golden else [f"  {at[1:]}: {found}, golden {golden}"]


def main() -> None:
    from bandits.model import builds as engine

    builds = engine.usable()
    if "--write" in sys.argv:
        GOLDEN.write_text(json.dumps(play(builds[0]), indent=1) + "\n", encoding="utf-8")
        return
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    for isa in builds:
        wrong = differences(play(isa), golden)
        if wrong:
            sys.exit("\n".join([f"the first battle on {isa} is not the golden one:", *wrong]))
        print(f"{isa}: the golden battle, to the bit")


if __name__ == "__main__":
    main()

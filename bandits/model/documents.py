"""Documents as token streams: what the engine trains on and the n-gram models count.

Each document is stored as BOS, its characters, BOS, one after another in a single array; nothing is
padded.  A character's id is its place in the sorted vocabulary; BOS is the id after the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bandits.errors import InvalidValue, printable


@dataclass(frozen=True, slots=True, eq=False)
class Documents:
    """Documents packed as `BOS characters BOS`.

    tokens int32 (sum of lengths + 2n,); offsets int64 (n + 1,): where each document starts;
    texts: the documents as strings, empty when they were made from tokens.  The engine trusts what
    stands here, so it is checked and, unless read-only, copied.
    Raises: TypeError or InvalidValue, naming tokens or offsets.
    """

    texts: tuple[str, ...] = field(repr=False)
    tokens: npt.NDArray[np.int32] = field(repr=False)
    offsets: npt.NDArray[np.int64] = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", read_only(vector("tokens", self.tokens, np.int32)))
        object.__setattr__(self, "offsets", read_only(vector("offsets", self.offsets, np.int64)))
        tokens, offsets = self.tokens, self.offsets
        if not offsets.size or offsets[0] != 0 or offsets[-1] != tokens.size:
            raise InvalidValue(f"offsets must go from 0 to the {tokens.size} tokens")
        if (offsets[1:] - offsets[:-1] < 2).any():
            raise InvalidValue(
                "offsets must leave two tokens or more to each document: BOS and BOS"
            )
        if tokens.size and (tokens.min() < 0 or tokens.max() != tokens[0]):
            raise InvalidValue("tokens must be from 0 to BOS, which begins every document")
        is_bos = tokens == self.bos
        ends = is_bos[offsets[:-1]] & is_bos[offsets[1:] - 1]
        if not ends.all() or np.count_nonzero(is_bos) != 2 * len(self):
            raise InvalidValue(
                "tokens must have BOS at both ends of each document and nowhere else"
            )

    @property
    def bos(self) -> int:
        """The token that begins and ends each document; -1 where there is none."""
        return int(self.tokens[0]) if self.tokens.size else -1

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def n_tokens(self) -> int:
        """Scored tokens: every character, and the BOS that ends each document."""
        return len(self.tokens) - len(self)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Characters of each document, (n,)."""
        return np.diff(self.offsets) - 2

    def part(self, start: int, stop: int) -> Documents:
        """Return documents start to stop - 1, without copying their tokens."""
        offsets = self.offsets[start : stop + 1]
        tokens = self.tokens[offsets[0] : offsets[-1]]
        return Documents(self.texts[start:stop], tokens, offsets - offsets[0])

    @classmethod
    def encode(cls, texts: Sequence[str], vocabulary: str) -> Documents:
        """Return the texts as tokens of a sorted vocabulary.

        Raises: InvalidValue for a character that is not in it.
        """
        letters = codepoints(vocabulary)
        written = codepoints("".join(texts))
        ids = np.searchsorted(letters, written)
        known = ids < len(letters)
        known[known] = letters[ids[known]] == written[known]
        if not known.all():
            stranger = printable(chr(int(written[np.argmin(known)])))
            raise InvalidValue(
                f"character '{stranger}' is not in the dataset's vocabulary of {len(letters)}"
            )
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        return cls._pack(tuple(texts), ids, lengths, len(letters))

    @classmethod
    def from_tokens(cls, sequences: Sequence[Sequence[int]], bos: int) -> Documents:
        """Return documents given as token ids below BOS, without BOS.  Raises TypeError or InvalidValue."""
        try:
            lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
            flat = [token for sequence in sequences for token in sequence]
        except TypeError:
            raise TypeError(
                "documents must be Documents or sequences of token ids, "
                f"not {printable(repr(sequences))}"
            ) from None
        ids = np.array(flat) if flat else np.zeros(0, np.int64)
        if ids.dtype.kind not in "iu" or ids.ndim != 1:
            raise InvalidValue(
                f"documents: tokens are whole numbers from 0 to {bos - 1}; not these"
            )
        strangers = ids[(ids < 0) | (ids >= bos)]
        if strangers.size:
            raise InvalidValue(
                f"documents: token {strangers[0]} is not a character; choose 0 to {bos - 1}"
            )
        return cls._pack((), ids, lengths, bos)

    @classmethod
    def _pack(
        cls,
        texts: tuple[str, ...],
        ids: npt.NDArray[np.integer],
        lengths: npt.NDArray[np.int64],
        bos: int,
    ) -> Documents:
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths + 2, out=offsets[1:])
        is_bos = np.zeros(int(offsets[-1]), bool)
        is_bos[offsets[:-1]] = True
        is_bos[offsets[1:] - 1] = True
        tokens = np.full(len(is_bos), bos, np.int32)
        tokens[~is_bos] = ids
        tokens.flags.writeable = False
        offsets.flags.writeable = False
        return cls(texts, tokens, offsets)


def vector(name: str, array: object, dtype: type) -> npt.NDArray[Any]:
    """Return the array if it is one row of such numbers, as the engine reads them.  Raises TypeError."""
    wanted = np.dtype(dtype)
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} must be an array of {wanted}, not {type(array).__name__}")
    if array.dtype != wanted or array.ndim != 1 or not array.flags.c_contiguous:
        found = f"{array.dtype} of shape {array.shape} with strides {array.strides}"
        raise TypeError(f"{name} must be one contiguous row of {wanted}, not {found}")
    return array


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the array, or a copy of it, that nobody can write to."""
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array


def codepoints(text: str) -> npt.NDArray[np.uint32]:
    """Return the code point of each character, (len(text),)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")

"""Documents as token streams: what the engine trains on and the n-gram models count.

Each document is stored as BOS, its characters, BOS, one after another in a single array; nothing is
padded.  A character's id is its place in the sorted vocabulary; BOS is the id after the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bandits.errors import InvalidValue, printable


@dataclass(frozen=True, slots=True, eq=False)
class Documents:
    """Documents packed as `BOS characters BOS`.

    tokens int32 (sum of lengths + 2n,); offsets int64 (n + 1,): where each document starts;
    texts: the documents as strings, empty when they were made from tokens.
    """

    texts: tuple[str, ...] = field(repr=False)
    tokens: npt.NDArray[np.int32] = field(repr=False)
    offsets: npt.NDArray[np.int64] = field(repr=False)

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
        """Return documents given as token ids.  Raises InvalidValue for ids that are not below BOS."""
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        flat = [token for sequence in sequences for token in sequence]
        ids = np.array(flat) if flat else np.zeros(0, np.int64)
        if ids.dtype.kind not in "iu":
            raise InvalidValue(f"tokens are whole numbers from 0 to {bos - 1}; not these")
        strangers = ids[(ids < 0) | (ids >= bos)]
        if strangers.size:
            raise InvalidValue(f"token {strangers[0]} is not a character; choose 0 to {bos - 1}")
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


def codepoints(text: str) -> npt.NDArray[np.uint32]:
    """Return the code point of each character, (len(text),)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")

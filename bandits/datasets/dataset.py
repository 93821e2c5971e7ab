"""A dataset: documents, the characters they are written in, and a split by content.

The split depends on each document alone, never on the order of the file or on the machine, so two
arenas agree on what is held out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bandits.datasets.textfile import read_lines
from bandits.errors import BadFile, InvalidValue, printable
from bandits.model.config import MAX_VOCAB_SIZE
from bandits.model.documents import Documents, codepoints

MAX_DOCUMENT_CHARS = 10_000
RULESET_1 = "ruleset-1"
_TEST_BELOW, _VALIDATION_BELOW = 0.10, 0.15


class _Unusable(Exception):
    """Why documents cannot be a dataset: the end of a sentence that starts with their name."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Documents to learn from, split into train, validation and test.

    vocabulary: its characters, sorted by code point; `split` is the salt of the split, or None when
    every document is in `train`; sha256 (hex) is of the documents joined by newlines, in UTF-8.
    """

    name: str
    vocabulary: str
    sha256: str
    split: str | None
    documents: tuple[str, ...] = field(repr=False)
    train: Documents = field(repr=False)
    validation: Documents = field(repr=False)
    test: Documents = field(repr=False)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        split: str | None = RULESET_1,
    ) -> Dataset:
        """Return the dataset in a UTF-8 text file of one document a line.

        Unsplit (split=None) it keeps repeats, as microGPT does: nothing is held out to leak.
        Its name is the file's, without the ending, if none is given.
        Raises: BadFile, in one line, for a file that cannot be used.
        """
        lines = read_lines(path)
        try:
            return cls._build(lines, name or printable(Path(path).stem, 40), split, "line")
        except _Unusable as reason:
            raise BadFile(f"file '{printable(str(path))}' {reason}") from None

    @classmethod
    def from_documents(
        cls, documents: Iterable[str], *, name: str, split: str | None = RULESET_1
    ) -> Dataset:
        """Return the dataset of these documents.  Raises InvalidValue if they cannot be one."""
        try:
            return cls._build(list(documents), name, split, "document")
        except _Unusable as reason:
            raise InvalidValue(f"dataset '{printable(name)}' {reason}") from None

    @classmethod
    def _build(cls, lines: Sequence[str], name: str, split: str | None, noun: str) -> Dataset:
        documents = _clean(lines, noun)
        if split is not None:
            documents = tuple(dict.fromkeys(documents))  # a repeat in two parts would leak
        vocabulary = "".join(sorted(set("".join(documents))))
        if len(vocabulary) >= MAX_VOCAB_SIZE:
            raise _Unusable(
                f"uses {len(vocabulary):,} different characters, at most {MAX_VOCAB_SIZE - 1:,}: "
                "choose a text in one script"
            )
        try:
            digest = sha256("\n".join(documents).encode()).hexdigest()
        except UnicodeEncodeError:
            raise _Unusable("has half a surrogate pair, which UTF-8 cannot hold") from None
        train, validation, test = _split(documents, split)
        return cls(
            name=name,
            vocabulary=vocabulary,
            sha256=digest,
            split=split,
            documents=documents,
            train=Documents.encode(train, vocabulary),
            validation=Documents.encode(validation, vocabulary),
            test=Documents.encode(test, vocabulary),
        )

    @property
    def bos(self) -> int:
        """The token that begins and ends a document: the id after the last character's."""
        return len(self.vocabulary)

    @property
    def vocab_size(self) -> int:
        """Tokens of a model for this dataset: the characters and BOS."""
        return len(self.vocabulary) + 1

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, without BOS.  Raises InvalidValue for a strange character."""
        tokens: list[int] = Documents.encode([text], self.vocabulary).tokens[1:-1].tolist()
        return tokens

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the characters of tokens; BOS has none."""
        return "".join(self.vocabulary[token] for token in tokens if token != self.bos)

    def decode_rows(
        self, tokens: npt.NDArray[np.int32], lengths: npt.NDArray[np.int32]
    ) -> tuple[str, ...]:
        """Return the text of each row's first `lengths` tokens; tokens (n, width), lengths (n,)."""
        kept = np.arange(tokens.shape[1]) < np.asarray(lengths)[:, np.newaxis]
        letters = codepoints(self.vocabulary)[tokens[kept]]
        text = letters.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
        ends = np.cumsum(lengths).tolist()
        return tuple(text[start:end] for start, end in zip([0, *ends], ends, strict=False))


def _clean(lines: Sequence[str], noun: str) -> tuple[str, ...]:
    """Strip, drop the empty ones, check the rest."""
    stripped = [line.strip() for line in lines]
    longest = max(map(len, stripped), default=0)
    if longest > MAX_DOCUMENT_CHARS:
        number = next(i for i, line in enumerate(stripped, 1) if len(line) > MAX_DOCUMENT_CHARS)
        n_chars = len(stripped[number - 1])
        raise _Unusable(
            f"has {n_chars:,} characters in {noun} {number:,}, at most {MAX_DOCUMENT_CHARS:,}: "
            "break it into lines"
        )
    documents = tuple(filter(None, stripped))
    if any("\n" in document for document in documents):
        raise _Unusable("has a document with a line break; a document is one line")
    if not documents:
        raise _Unusable("has no documents; write one a line")
    return documents


def _split(
    documents: tuple[str, ...], salt: str | None
) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    if salt is None:
        return documents, (), ()
    if salt != RULESET_1:
        raise InvalidValue(f"split={printable(str(salt))} is not one of {RULESET_1}, None")
    if len(documents) < 2:
        raise _Unusable("has 1 document, repeats apart, at least 2 are needed: add more lines")
    train: list[str] = []
    validation: list[str] = []
    test: list[str] = []
    prefix = salt.encode() + b"\0"
    for document in documents:
        digest = sha256(prefix + document.encode()).digest()
        u = int.from_bytes(digest[:8], "big") / 2**64
        (test if u < _TEST_BELOW else validation if u < _VALIDATION_BELOW else train).append(
            document
        )
    for part, kept in (("train", train), ("validation", validation), ("test", test)):
        if not kept:
            raise _Unusable(
                f"leaves the {part} split empty (85/5/10% of its {len(documents):,} documents); "
                "add more lines, 100 are enough as a rule"
            )
    return train, validation, test

"""Datasets: cleaning, the split by content, token streams, and one clear line for each bad file."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

import bandits.datasets
from bandits.datasets import Dataset, load
from bandits.errors import BadFile, InvalidValue, UnknownName
from bandits.model.documents import Documents

DATA = Path(bandits.datasets.__file__).parent / "data"
WORDS = [f"{a}{b}{c}" for a in "abcd" for b in "efgh" for c in "ijklmnop"]  # 128, all distinct


def write(folder: Path, data: bytes | str, name: str = "words.txt") -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_the_names_are_those_that_the_notice_describes():
    digest = hashlib.sha256((DATA / "names.txt").read_bytes()).hexdigest()
    notice = (DATA / "NOTICE").read_text()
    assert digest in notice
    assert "29,910" in notice
    assert "Public domain" in notice


def test_the_names_split_as_the_rules_say():
    names = load("names")
    assert (len(names.train), len(names.validation), len(names.test)) == (25_421, 1_467, 3_022)
    assert names.vocabulary == "abcdefghijklmnopqrstuvwxyz"
    assert (names.bos, names.vocab_size) == (26, 27)
    assert len(set(names.documents)) == len(names.documents) == 29_910


def test_an_unknown_dataset_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="no dataset 'nams'; did you mean 'names'"):
        load("nams")
    assert "names" in bandits.datasets.names()


def test_a_document_goes_where_its_own_hash_says():
    dataset = Dataset.from_documents(WORDS, name="words")
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    for part, documents in parts.items():
        for text in documents.texts:
            digest = hashlib.sha256(b"ruleset-1\0" + text.encode()).digest()
            u = int.from_bytes(digest[:8], "big") / 2**64
            assert part == ("test" if u < 0.10 else "validation" if u < 0.15 else "train")
    assert sum(map(len, parts.values())) == len(WORDS)


def test_order_and_repeats_do_not_change_the_split():
    once = Dataset.from_documents(WORDS, name="words")
    again = Dataset.from_documents([*WORDS[::-1], *WORDS], name="words")
    for part in ("train", "validation", "test"):
        assert set(getattr(once, part).texts) == set(getattr(again, part).texts)
    assert again.documents == tuple(WORDS[::-1])


def test_repeats_are_dropped_before_a_split_and_kept_without_one():
    twice = [*WORDS, *WORDS]
    assert Dataset.from_documents(twice, name="words").documents == tuple(WORDS)
    assert Dataset.from_documents(twice, name="words", split=None).documents == tuple(twice)


def test_lines_are_stripped_and_empty_ones_dropped(tmp_path):
    path = write(tmp_path, "\ufeff b é \r\n\r\na\n\n\n\rc")
    dataset = Dataset.from_file(path, split=None)
    assert dataset.documents == dataset.train.texts == ("b é", "a", "c")
    assert dataset.vocabulary == " abcé"
    assert (dataset.name, len(dataset.validation), len(dataset.test)) == ("words", 0, 0)
    assert dataset.sha256 == hashlib.sha256("b é\na\nc".encode()).hexdigest()


def test_documents_are_packed_as_bos_characters_bos():
    documents = Documents.encode(["ba", "", "cab"], "abc")
    assert documents.tokens.tolist() == [3, 1, 0, 3, 3, 3, 3, 2, 0, 1, 3]
    assert documents.offsets.tolist() == [0, 4, 6, 11]
    assert documents.lengths.tolist() == [2, 0, 3]
    assert (len(documents), documents.n_tokens) == (3, 3 + 1 + 4)
    assert (documents.tokens.dtype, documents.offsets.dtype) == (np.int32, np.int64)
    same = Documents.from_tokens([[1, 0], [], [2, 0, 1]], bos=3)
    assert same.tokens.tolist() == documents.tokens.tolist()
    assert same.offsets.tolist() == documents.offsets.tolist()


def test_a_part_is_these_documents_alone():
    documents = Documents.encode(["ba", "", "cab", "a"], "abc")
    part, alone = documents.part(1, 3), Documents.encode(["", "cab"], "abc")
    assert part.texts == alone.texts
    assert part.tokens.tolist() == alone.tokens.tolist()
    assert part.offsets.tolist() == alone.offsets.tolist()
    assert len(documents.part(2, 99)) == 2


def test_decoding_gives_back_what_was_encoded():
    dataset = Dataset.from_documents(["zoë 😀", "née", "a😀b"], name="words", split=None)
    for text in dataset.documents:
        assert dataset.decode(dataset.encode(text)) == text
    rows = np.full((3, 7), dataset.bos, np.int32)
    for row, text in zip(rows, dataset.documents, strict=True):
        row[: len(text)] = dataset.encode(text)
    lengths = np.array([len(text) for text in dataset.documents], np.int32)
    assert dataset.decode_rows(rows, lengths) == dataset.documents
    assert dataset.decode_rows(rows, np.zeros(3, np.int32)) == ("", "", "")


def test_a_character_outside_the_vocabulary_is_named():
    dataset = Dataset.from_documents(["ab", "c"], name="words", split=None)
    for text in ("a!", "~", "\x1b"):
        with pytest.raises(InvalidValue, match="not in the dataset's vocabulary of 3") as caught:
            dataset.encode(text)
        assert str(caught.value).isprintable()
    with pytest.raises(InvalidValue, match="token 3"):
        Documents.from_tokens([[0, 3]], bos=3)


BAD_FILES = {
    "empty": (b"", "is empty"),
    "only blanks": (b" \n\t\r\n", "is empty"),
    "binary": (b"ab\ncd\0ef\n", "is binary"),
    "latin-1": ("ok\nJosé\n".encode("latin-1"), r"is not UTF-8 \(byte 0xe9 in line 2\)"),
    "a long line": (b"ab\n" * 41 + b"x" * 10_001, "10,001 characters in line 42, at most 10,000"),
    "a million characters": (b"x" * 1_000_000 + b"\nab\n", "1,000,000 characters in line 1"),
    "one document": (b"same\nsame\n", "has 1 document, repeats apart, at least 2"),
    "no validation": (b"emma\nolivia\n", "leaves the (validation|test) split empty"),
    "too many characters": (
        "\n".join(chr(0x4E00 + i) for i in range(4096)).encode(),
        "uses 4,096 different characters, at most 4,095",
    ),
}


@pytest.mark.parametrize(("data", "reason"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_is_refused_in_one_line(tmp_path, data, reason):
    path = write(tmp_path, data, "bad\x1b[31m.txt")
    with pytest.raises(BadFile, match=reason) as caught:
        Dataset.from_file(path)
    assert str(caught.value).isprintable()  # no line break, no escape sequence


def test_a_path_that_is_no_file_is_refused_in_one_line(tmp_path):
    with pytest.raises(BadFile, match="does not exist"):
        Dataset.from_file(tmp_path / "missing.txt")
    with pytest.raises(BadFile, match="is a folder"):
        Dataset.from_file(tmp_path)
    with pytest.raises(BadFile, match="not a regular file"):
        Dataset.from_file(os.devnull)
    with pytest.raises(BadFile, match="cannot be read"):
        Dataset.from_file("nul\0byte")


def test_a_file_over_64_mib_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(64 * 2**20 + 1)  # sparse: takes no room
    with pytest.raises(BadFile, match="has 64 MiB, at most 64"):
        Dataset.from_file(path)


def test_documents_in_memory_are_checked_too():
    with pytest.raises(InvalidValue, match="line break"):
        Dataset.from_documents(["a\nb", "c"], name="words", split=None)
    with pytest.raises(InvalidValue, match="surrogate"):
        Dataset.from_documents(["\ud800", "c"], name="words", split=None)
    with pytest.raises(InvalidValue, match="no documents"):
        Dataset.from_documents([" "], name="words", split=None)
    with pytest.raises(InvalidValue, match="split=ruleset-0 is not one of"):
        Dataset.from_documents(WORDS, name="words", split="ruleset-0")
    assert Dataset.from_documents(WORDS, name="words").sha256 != load("names").sha256

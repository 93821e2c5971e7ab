"""Laws of champion files: a whole agent comes back bit for bit, and no file can do harm."""

from __future__ import annotations

import json
import os
import pickle
import random
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandits.agent import champion
from bandits.agent.agent import Agent
from bandits.agent.champion import KEY, pack, read_champion, unpack, write_champion
from bandits.agent.course import MAX_SEGMENTS, Segment
from bandits.agent.state import AgentState
from bandits.datasets import Dataset
from bandits.errors import BadFile, BanditsError, StoreError
from bandits.model.config import GPTConfig
from bandits.model.settings import Settings


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    names = [f"{first}{middle}{last}" for first in "abcd" for middle in "eiou" for last in "lmnrst"]
    return Dataset.from_documents(names, name="toy")


@pytest.fixture(scope="module")
def state(dataset: Dataset) -> AgentState:
    agent = Agent(dataset, GPTConfig(vocab_size=dataset.vocab_size, n_embd=8, n_head=2))
    agent.train_all(30)
    return agent.state()


def same(a: AgentState, b: AgentState) -> bool:
    return a.metadata() == b.metadata() and pack(a.arrays()) == pack(b.arrays())


def refusal(path: Path) -> str:
    with pytest.raises(BadFile) as caught:
        read_champion(path)
    message = str(caught.value)
    assert message
    assert message.isprintable()
    return message


# Round trips


def test_a_champion_comes_back_bit_for_bit(tmp_path: Path, state: AgentState) -> None:
    path = tmp_path / "Ada.safetensors"
    write_champion(path, "Ada", state)
    found = read_champion(path)
    assert found.name == "Ada"
    assert same(found.state, state)
    assert os.listdir(tmp_path) == ["Ada.safetensors"]


def test_equal_agents_make_equal_files(tmp_path: Path, state: AgentState) -> None:
    for name in ("one", "two"):
        write_champion(tmp_path / name, "Ada", replace(state, weights=dict(state.weights)))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_training_on_after_saving_and_loading_is_training_through(
    tmp_path: Path, dataset: Dataset
) -> None:
    through, halved = Agent(dataset), Agent(dataset)
    through.train_all(1000)
    halved.train_all(500)
    write_champion(tmp_path / "half", "Ada", halved.state())
    resumed = Agent.from_state(read_champion(tmp_path / "half").state, dataset)
    resumed.train_all(500)
    assert same(resumed.state(), through.state())


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.float32).reshape(3, 4).T,
        np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4)),
        np.arange(24, dtype=np.float32)[::-2],
        np.arange(24, dtype=np.float32).reshape(4, 6)[1:3, 2:5],
    ],
    ids=["transposed", "fortran", "reversed", "cut out"],
)
def test_strided_arrays_are_packed_as_they_read(array: np.ndarray) -> None:
    # safetensors 0.8 would write the memory below the view instead
    np.testing.assert_array_equal(unpack(pack({"x": array}))["x"], array)


def test_an_exploded_agent_travels_too(tmp_path: Path, dataset: Dataset) -> None:
    for learning_rate in (1e10, 1e38):  # infinite moments; NaN weights after a finite loss
        agent = Agent(dataset, settings=Settings(learning_rate=learning_rate))
        agent.train_all(2)
        write_champion(tmp_path / "x", "Boom", agent.state())
        assert same(read_champion(tmp_path / "x").state, agent.state())


# Writing


def test_a_champion_replaces_a_champion_and_nothing_else(tmp_path: Path, state: AgentState) -> None:
    path = tmp_path / "Ada.safetensors"
    write_champion(path, "Ada", state)
    write_champion(path, "Eve", state)
    assert read_champion(path).name == "Eve"
    path.write_text("my diary")
    with pytest.raises(StoreError, match="not a champion, so it is not replaced"):
        write_champion(path, "Ada", state)
    assert path.read_text() == "my diary"


@pytest.mark.parametrize("where", ["", "missing/x", "file/x", "nul\0x", "n" * 300])
def test_a_path_that_cannot_be_written_is_one_line(
    tmp_path: Path, state: AgentState, where: str
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError) as caught:
        write_champion(tmp_path / where, "Ada", state)
    assert str(caught.value).isprintable()
    assert os.listdir(tmp_path) == ["file"]


def test_an_interrupted_write_leaves_the_old_champion_alone(
    tmp_path: Path, state: AgentState, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "Ada.safetensors"
    write_champion(path, "Ada", state)
    before = path.read_bytes()

    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(champion.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_champion(path, "Eve", state)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


# Reading what is not a champion


def test_strangers_are_named_for_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    for protocol in (2, 3, 4, 5):
        path.write_bytes(pickle.dumps({"weights": [1.0] * 100}, protocol))
        assert "is a Python pickle, which bandits never opens" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"x")
    assert "is a zip" in refusal(path)
    for data, reason in [
        (b"", "is empty"),
        (b"hello, world", "not a safetensors file"),
        (pack({"x": np.zeros(3, np.float32)}), "not a champion"),
        (b"\xff" * 8 + b"{", "cut short"),
        ((100).to_bytes(8, "little") + b"{" * 100, "not JSON"),
        ((1 << 19).to_bytes(8, "little") + b'{"a":' * (1 << 17), "not JSON"),  # deeply nested
    ]:
        path.write_bytes(data)
        assert reason in refusal(path)
    assert "is a folder" in refusal(tmp_path)
    assert "does not exist" in refusal(tmp_path / "nowhere")
    assert "cannot be read" in refusal(tmp_path / "nul\0")
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refusal(tmp_path / "pipe")


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    (tmp_path / "x").write_bytes(pickle.dumps(Trap()))
    refusal(tmp_path / "x")
    assert not (tmp_path / "sprung").exists()


def crafted(state: AgentState, arrays: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """A file that safetensors itself finds well-formed, with some of its description changed."""
    description = {"format": champion.FORMAT, "name": "Ada", "agent": state.metadata()}
    for path, value in changes.items():
        *parents, key = path.split("__")
        place: Any = description
        for parent in parents:
            place = place[int(parent) if parent.isdigit() else parent]
        place[key] = value
    return pack(state.arrays() if arrays is None else arrays, {KEY: json.dumps(description)})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": champion.FORMAT + 1}, "newer bandits"),
        ({"format": 10**400}, "newer bandits"),
        ({"format": 0}, "incomplete"),
        ({"format": "2"}, "incomplete"),
        ({"name": "\x1b[2Jgone"}, "agent name"),
        ({"name": "../../etc/passwd"}, "agent name"),
        ({"name": 7}, "wrong types"),
        ({"agent": []}, "wrong types"),
        ({"agent__config": {"n_embd": 10**9}}, "n_embd"),
        ({"agent__config": {}}, "shape"),
        ({"agent__config": 5}, "wrong kind"),
        ({"agent__config__n_layer": True}, "n_layer"),
        ({"agent__settings__schedule": "\x1b]0;x\x07"}, "schedule"),
        ({"agent__settings__batch_size": 10**12}, "batch_size"),
        ({"agent__settings__temperature": float("nan")}, "not JSON"),
        ({"agent__settings__motto": "x"}, "motto"),
        ({"agent__seed": -1}, "seed"),
        ({"agent__n_steps": -1}, "n_steps"),
        ({"agent__n_steps": 31}, "losses are recorded"),
        ({"agent__n_seen": 2**64}, "n_seen"),
        ({"agent__beta1_power": 2.0}, "beta1_power"),
        ({"agent__diverged": "no"}, "diverged"),
        ({"agent__energy": {"training": 1.5, "generation": 0, "evaluation": 0}}, "energy"),
        ({"agent__energy__training": -1}, "energy"),
        ({"agent__energy__training": 10**4000}, "energy"),
        ({"agent__history__stride": 0}, "history"),
        ({"agent__history": {}}, "missing"),
        ({"agent__course": None}, "course"),
        ({"agent__course__arithmetic": "1"}, "course"),
        ({"agent__course__segments": [7]}, "course"),
        ({"agent__course__segments": [{"first_step": 0}] * 5000}, "at most 4,096"),
        ({"agent__course__segments": [{"first_step": 0, "motto": "x"}]}, "motto"),
        ({"agent__course__segments__0__first_step": -1}, "part from step -1"),
        ({"agent__course__segments__0__first_step": True}, "part from step True"),
        ({"agent__course__segments__0__first_step": 30}, "part from step 30"),
        ({"agent__course__segments__0__learning_rate": -1.0}, "learning_rate"),
        ({"agent__course__segments__0__schedule": "\x1b[2J"}, "schedule"),
        ({"agent__course__segments__0__temperature": 0.5}, "course"),
        ({"agent__dataset_name": "x" * 10_000}, "dataset_name"),
        ({"agent__dataset_sha256": None}, "dataset_sha256"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_every_number_and_name_is_checked(
    tmp_path: Path, state: AgentState, changes: dict[str, Any], reason: str
) -> None:
    (tmp_path / "x").write_bytes(crafted(state, **changes))
    assert reason in refusal(tmp_path / "x")


def test_every_array_is_checked(tmp_path: Path, state: AgentState) -> None:
    def changed(name: str, array: Any) -> dict[str, Any]:
        return {**state.arrays(), name: array}

    wte = state.weights["wte"]
    nan = wte.copy()
    nan[3, 2] = np.nan
    for arrays, reason in [
        (changed("weights.wte", nan), "not finite"),
        (changed("weights.wte", wte.T), "shape"),
        (changed("weights.wte", wte[:-1]), "shape"),
        (changed("weights.wte", wte.astype(np.float64)), "dtype"),
        (changed("second_moment.wte", -np.ones_like(wte)), "negative"),
        (changed("history.losses", np.zeros(7)), "history"),
        (changed("history.recent", np.full(30, np.inf)), "not finite"),
        (changed("extra", np.zeros((1, 1, 1), np.float32)), "shape"),
        (changed("extra", np.zeros(1, np.int8)), "unknown type"),
        ({k: v for k, v in state.arrays().items() if k != "weights.wpe"}, "weights.wpe is missing"),
    ]:
        (tmp_path / "x").write_bytes(crafted(state, arrays))
        assert reason in refusal(tmp_path / "x")


def test_giant_declared_sizes_are_refused_before_memory_is_taken(
    tmp_path: Path, state: AgentState
) -> None:
    description = json.dumps({"format": champion.FORMAT, "name": "Ada", "agent": state.metadata()})
    for shape in ([10**6, 10**6], [10**300], [2**63, 2**63], [0, 10**12]):
        tensor = {"dtype": "F32", "shape": shape, "data_offsets": [0, 4 * 10**12]}
        header = json.dumps({"__metadata__": {KEY: description}, "weights.wte": tensor}).encode()
        (tmp_path / "x").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 16)
        assert "damaged" in refusal(tmp_path / "x")
    with open(tmp_path / "x", "wb") as file:
        file.truncate(1 << 40)  # sparse
    assert "at most" in refusal(tmp_path / "x")


def test_any_truncation_is_refused(tmp_path: Path, state: AgentState) -> None:
    data = crafted(state)
    for length in [*range(0, 24), *range(24, len(data), 997), len(data) - 1]:
        (tmp_path / "x").write_bytes(data[:length])
        refusal(tmp_path / "x")
    (tmp_path / "x").write_bytes(data + b"\0")
    refusal(tmp_path / "x")


def test_any_mutation_gives_a_bad_file_or_a_valid_agent(
    tmp_path: Path, state: AgentState, dataset: Dataset
) -> None:
    rng, data, path = random.Random(7), crafted(state), tmp_path / "x"
    header_end = 8 + int.from_bytes(data[:8], "little")
    n_valid, messages = 0, []
    for _ in range(600):
        mutant = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            place = rng.randrange(header_end if rng.random() < 0.7 else len(data))
            mutant[place] = rng.choice((rng.randrange(256), mutant[place] ^ 1 << rng.randrange(8)))
        path.write_bytes(mutant)
        try:  # what is accepted must be an agent that can go on
            agent = Agent.from_state(read_champion(path).state, dataset)
            agent.train_all(1)
            n_valid += 1
        except BanditsError as error:
            messages.append(str(error))
    assert all(message.isprintable() for message in messages)
    assert n_valid  # a flipped bit of a weight is still a weight


# Courses


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ({"first_step": 0, "batch_size": 2}, "not in order"),
        ({"first_step": 10, "batch_size": 1}, "changes nothing"),
        ({"first_step": 10}, "changes nothing"),
        ({"first_step": 30, "batch_size": 2}, "from step 30, of 30 steps"),
        ({"first_step": 10, "batch_size": 10**9}, "batch_size"),
        ({"first_step": 10, "motto": "x"}, "motto"),
        ({"batch_size": 2}, "from step None"),
    ],
)
def test_every_part_of_a_course_is_checked(
    tmp_path: Path, state: AgentState, second: dict[str, Any], reason: str
) -> None:
    (first,) = state.metadata()["course"]["segments"]
    (tmp_path / "x").write_bytes(crafted(state, agent__course__segments=[first, second]))
    assert reason in refusal(tmp_path / "x")


def test_the_longest_course_fits_a_file_and_comes_back(tmp_path: Path, dataset: Dataset) -> None:
    agent = Agent(dataset, GPTConfig(vocab_size=dataset.vocab_size, n_embd=4, n_head=1))
    agent.settings = Settings(schedule="constant")
    agent.train_all(MAX_SEGMENTS)
    long = [  # of every setting, in as many digits as there are
        Settings(
            learning_rate=0.012345678901234567e-200 + odd * 1e-210,
            batch_size=4095 + odd,
            horizon=10**8 - odd,
            schedule=("constant", "cosine")[odd],
            warmup=10**8 - odd,
            beta1=0.1234567890123456e-200 / (1 + odd),
            beta2=0.1234567890123456e-200 / (1 + odd),
            eps=0.1234567890123456e-20 / (1 + odd),
            grad_clip=0.1234567890123456e-200 / (1 + odd),
        )
        for odd in (0, 1)
    ]
    course = tuple(Segment(step, long[step % 2]) for step in range(MAX_SEGMENTS))
    state = replace(agent.state(), course=course)
    write_champion(tmp_path / "x", "Ada", state)
    assert (tmp_path / "x").stat().st_size > 2**20
    assert same(read_champion(tmp_path / "x").state, state)


def test_a_champion_of_the_first_format_is_read_and_its_course_is_not_known(
    tmp_path: Path, state: AgentState
) -> None:
    metadata = state.metadata()
    del metadata["course"]
    (tmp_path / "x").write_bytes(crafted(state, format=1, agent=metadata))
    found = read_champion(tmp_path / "x").state
    assert found.course == ()
    assert same(replace(found, course=state.course), state)

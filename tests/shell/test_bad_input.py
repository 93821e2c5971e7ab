"""Bad input: one clear line each, exit 1, and nothing changes.

Many mistakes are made in one process with --keep-going: each must print exactly one line.
"""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from tests.support.shelltools import bandits, commands, quick

# What is typed, and what its line must say: the value, the rule, the way out.
MISTAKES = [
    ("trian 100", r"no command 'trian'; did you mean 'train'\? \(help lists them\)"),
    ("\x1b[31mred", r"no command '\\x1b\[31mred'"),
    ("edit day.txt", r"an editor needs a terminal"),
    ("clear", r"no command 'clear' \(help lists them\)"),
    ("switch_agent AA", r"no agent 'AA'; did you mean 'A'\? \(agents lists them\)"),
    ("train 10 Adda", r"no agent 'Adda'"),
    ("generate 5 Nobody", r"no agent 'Nobody'"),
    ("battle A Nobody 10", r"no agent 'Nobody'"),
    ("evaluate Nobody", r"no agent 'Nobody'"),
    ("energy Nobody", r"no agent 'Nobody'"),
    ("diagnose Nobody", r"no agent 'Nobody'"),
    ("diagnose ''", r"no agent ''"),
    ("visualize loss Nobody", r"no agent 'Nobody'"),
    ("save x.safetensors --agent Nobody", r"no agent 'Nobody'"),
    ("config batch_size 2 --agent Nobody", r"no agent 'Nobody'"),
    ("clone_agent Nobody C", r"no agent 'Nobody'"),
    ("rename_agent Nobody C", r"no agent 'Nobody'"),
    ("delete_agent Nobody --yes", r"no agent 'Nobody'"),
    ("create_agent A", r"'A' .*(already|taken)"),
    ("clone_agent A B", r"'B' .*(already|taken)"),
    ("rename_agent A B", r"'B' .*(already|taken)"),
    ("create_agent 1st", r"agent name '1st' must be a letter followed by"),
    ("create_agent näme", r"agent name 'näme' must be a letter"),
    ("create_agent " + "x" * 33, r"agent name 'x+' must be a letter"),
    ("create_agent X 30 1 4", r"n_embd=30 is not divisible by n_head=4; try 28 or 32"),
    ("create_agent X 0 1 1", r"n_embd=0 is out of range; choose 1 to"),
    ("create_agent X -16 1 4", r"n_embd=-16 is out of range"),
    ("create_agent X 16 0 4", r"n_layer=0 is out of range"),
    ("create_agent X 16 1 0", r"n_head=0 is out of range"),
    ("create_agent X 16 1 four", r"n_head=four is not a whole number"),
    ("create_agent X 1.5", r"n_embd=1.5 is not a whole number"),
    ("create_agent X 100000 100 1", r"n_embd=100000 is out of range; choose 1 to 1,024"),
    ("create_agent X 1024 32 1", r"makes 4\d\d,\d+,\d+ parameters; at most 16,000,000"),
    ("create_agent X " + "9" * 5000, r"n_embd=9+… is not a whole number"),
    ("create_agent X --block-size 0", r"block_size=0 is out of range"),
    ("create_agent X --seed -1", r"seed=-1 is out of range"),
    ("create_agent X --seed x", r"seed=x is not a whole number"),
    ("create_agent", r"create_agent: missing NAME.*; usage: create_agent NAME"),
    ("create_agent X 16 1 4 9", r"create_agent: does not take 9; usage: "),
    ("train", r"train: missing STEPS; usage: train STEPS \[AGENT\]"),
    ("train abc", r"steps=abc is not a whole number; try 'train 100'"),
    ("train -5", r"steps=-5 is out of range; choose 1 to 100,000,000"),
    ("train 0", r"steps=0 is out of range"),
    ("train 1000000000000000000", r"steps=1000000000000000000 is out of range"),
    ("train 1e3", r"steps=1e3 is not a whole number"),
    ("generate 0", r"N=0 is out of range"),
    ("generate -1", r"N=-1 is out of range"),
    ("generate ten", r"N=ten is not a whole number"),
    ("generate 99999999999", r"N=99999999999 is out of range"),
    ("battle A B", r"battle needs either STEPS or --energy E; try 'battle A B 100'"),
    ("battle A B 10 --energy 5e8", r"battle needs either STEPS or --energy"),
    ("battle A", r"battle: missing B; usage: battle A B"),
    ("battle A A 10", r"'A' cannot fight itself; clone it"),
    ("battle A B 0", r"steps=0 is out of range"),
    ("battle A B x", r"steps=x is not a whole number"),
    (
        "battle A B --energy lots",
        r"energy=lots is not an amount of operations; try 'battle A B --en",
    ),
    ("battle A B --energy 0", r"energy=0 is not an amount"),
    ("battle A B --energy -5M", r"expected one argument"),
    ("battle A B 10 --seed x", r"seed=x is not a whole number"),
    ("config learning_rat 1", r"no setting 'learning_rat'; did you mean 'learning_rate'\?"),
    ("config n_embd 32", r"n_embd is no setting, .* created; try 'create_agent NAME 32'"),
    ("help seed", r"seed is no setting, .* created; try 'create_agent NAME --seed 7'"),
    ("config learning_rate fast", r"learning_rate=fast is not a number"),
    ("config learning_rate nan", r"learning_rate=nan is not a finite number"),
    ("config learning_rate inf", r"learning_rate=inf is not a finite number"),
    ("config learning_rate -0.1", r"learning_rate=-0.1 must be at least 0"),
    ("config batch_size 0", r"batch_size=0 is out of range"),
    ("config batch_size 1.5", r"batch_size=1.5 is not a whole number"),
    ("config horizon 0", r"horizon=0 is out of range"),
    ("config schedule step", r"schedule=step is not one of linear"),
    ("config beta1 1", r"beta1=1 must be below 1"),
    ("config eps 0", r"eps=0 must be at least 1e-30"),
    ("config temperature 0", r"temperature=0 must be at least"),
    ("config grad_clip -1", r"grad_clip=-1 must be at least 0"),
    ("config warmup -1", r"warmup=-1 is out of range"),
    ("dataset nams", r"no dataset or file 'nams'; did you mean 'names'\?"),
    ("evaluate --split final", r"evaluate: .*invalid choice: 'final' \(choose from"),
    ("visualize", r"visualize: missing WHAT; usage: visualize WHAT \[AGENT\]"),
    ("visualize lss", r"no picture 'lss'; did you mean 'loss'\?"),
    ("visualize loss", r"A has no loss yet; try 'train 100 A'"),
    ("visualize gradients --save a.bmp", r"picture 'a.bmp' must end in .png, .svg or .pdf"),
    ("visualize loss --save .", r"picture '\.' must end in .png, .svg or .pdf; try picture.png"),
    ("visualize loss --save nowhere/a.png", r"picture .nowhere/a.png.: its folder does not exist"),
    ("load nowhere.safetensors", r"nowhere.safetensors"),
    # a home that nobody has is a path that is not there
    ("dataset ~no-such/x.txt", r"file '~no-such/x.txt' does not exist"),
    ("run_script ~no-such/x.txt", r"script '~no-such/x.txt': no such file or directory"),
    ("save ~no-such/x", r"'~no-such/x.safetensors' cannot be written: folder '~no-such' does not"),
    ("load ~no-such/x", r"champion file '~no-such/x.safetensors' does not exist"),
    ("report leaderboard --save ~no-such/x.html", r"report '~no-such/x.html': its folder does not"),
    ("visualize schedule --save ~no-such/x.png", r"picture '~no-such/x.png': its folder does not"),
    ("config batch_size 1", None),  # something to export
    ("export script ~no-such/x.txt", r"'~no-such/x.txt' cannot be written"),
    ("delete_agent B", r"nobody is there to be asked; try 'delete_agent B --yes'"),
    ("save /proc/nowhere/x.safetensors", r"/proc/nowhere"),
    ("run_script nowhere.txt", r"script '.*nowhere.txt': no such file or directory"),
    ("alias create train agents", r"alias cannot have the same name as a command"),
    ("macro delete nothing", r"[mM]acro 'nothing' does not exist"),
    ("history 99999", r"history: .*; try 'history -a'"),
    ("history 0", r"history: The first command in history is command 1\..*; try 'history -a'"),
    ("history 1:0", r"history: History indices .*; try 'history -a'"),
    ("history /(/", r"history: missing \), unterminated subpattern.*; try 'history -a'"),
    ("agents > /nowhere/x", r"'/nowhere/x' cannot be written: no such file or directory"),
    ("agents 'unclosed", r"invalid syntax: No closing quotation"),
    ("agents extra", r"agents: does not take extra; usage: agents \[options\]"),
    ("agents; trian 1", r"no command 'trian'"),
    ("help trian", r"no help on 'trian'; did you mean 'train'"),
    ("set colour blue", r"parameter 'colour' not supported"),
    ("shell exit 3", None),
]


def test_every_mistake_is_one_line_and_changes_nothing(home: Path) -> None:
    before = commands(home, "agents --json", "dataset --json", "config --json")
    typed = [line for line, _ in MISTAKES]
    words = [word for line in typed for word in ("-c", line)]
    done = bandits(home, "--keep-going", *words)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    expected = [(line, pattern) for line, pattern in MISTAKES if pattern is not None]
    for (line, pattern), said in zip(expected, lines, strict=False):
        assert said.startswith("error: "), (line, said)
        assert re.search(pattern, said), (line, said)
        assert len(said) < 400, line
        assert "Traceback" not in said, line
    assert len(lines) == len(expected)
    assert commands(home, "agents --json", "dataset --json", "config --json") == before


@pytest.mark.parametrize(
    "line", ["trian 1", "train abc", "switch_agent C", "shell exit 3", "agents x"]
)
def test_a_mistake_exits_1_and_the_rest_does_not_run(home: Path, line: str) -> None:
    done = quick(home, "-c", "switch_agent B", "-c", line, "-c", "switch_agent A")
    assert done.returncode == 1
    assert commands(home, "agents --json").index('"current": true') > 0
    rows = json.loads(commands(home, "agents --json"))
    assert [row["name"] for row in rows if row["current"]] == ["B"]


def _dataset_files(folder: Path) -> dict[str, tuple[bytes | None, str]]:
    return {
        "missing.txt": (None, r"missing.txt"),
        "empty.txt": (b"", r"empty"),
        "blank.txt": (b"\n \n\n", r"blank"),
        "binary.txt": (bytes(range(256)) * 40, r"binary"),
        "latin.txt": ("\n".join(f"né{n}" for n in range(50)).encode("latin-1"), r"latin.*UTF-8"),
        "long.txt": (b"a" * 1_000_000 + b"\nb\n", r"long"),
        "escapes.txt": (b"\x1b[31mred\x1b[0m\x00\n" * 3, r"escapes"),
    }


def test_a_dataset_file_that_cannot_be_used_is_refused_in_one_line(
    home: Path, tmp_path: Path
) -> None:
    files = _dataset_files(tmp_path)
    for name, (content, _) in files.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.txt").mkdir()
    words = [word for name in [*files, "folder.txt"] for word in ("-c", f"dataset ./{name}")]
    done = quick(home, "--keep-going", *words, "-c", "dataset --json", cwd=tmp_path)
    lines = done.stderr.splitlines()
    assert done.returncode == 1, done.stderr
    assert len(lines) == len(files) + 1, done.stderr
    for (name, (_, pattern)), said in zip(files.items(), lines, strict=False):
        assert said.startswith("error: "), (name, said)
        assert re.search(pattern, said), (name, said)
        assert said.isprintable()
    assert [row["name"] for row in json.loads(done.stdout) if row["current"]] == ["names"]


def test_a_champion_file_that_cannot_be_used_is_refused_in_one_line(
    home: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    good = tmp_path / "good.safetensors"
    commands(home, "train 20", f"save {good}")
    data = good.read_bytes()
    arrays = load_file(good)
    size = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + size])["__metadata__"]

    def variant(
        name: str, changed: dict[str, np.ndarray], more: dict[str, str] | None = None
    ) -> str:
        save_file({**arrays, **changed}, tmp_path / name, metadata={**metadata, **(more or {})})
        return name

    names = [
        _written(tmp_path / "truncated.safetensors", data[: len(data) // 2]),
        _written(tmp_path / "header.safetensors", (2**62).to_bytes(8, "little") + data[8:]),
        _written(tmp_path / "empty.safetensors", b""),
        _written(tmp_path / "pickle.safetensors", pickle.dumps({"weights": [1, 2, 3]})),
        _written(tmp_path / "text.safetensors", b"hello\n" * 100),
        variant("shape.safetensors", {"weights.wte": np.zeros((3, 16), np.float32)}),
        variant("nan.safetensors", {"weights.wpe": np.full_like(arrays["weights.wpe"], np.nan)}),
        variant("dtype.safetensors", {"weights.wte": arrays["weights.wte"].astype(np.float64)}),
    ]
    before = commands(home, "agents --json")
    words = [word for name in names for word in ("-c", f"load {name} --as New")]
    done = quick(home, "--keep-going", *words, cwd=tmp_path)
    lines = done.stderr.splitlines()
    assert done.returncode == 1, done.stderr
    assert len(lines) == len(names), done.stderr
    for name, said in zip(names, lines, strict=True):
        assert said.startswith("error: "), said
        assert name in said, said
    assert commands(home, "agents --json") == before
    commands(home, f"load {good} --as New")


def _written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return path.name


def test_an_arena_that_is_none_is_kept_aside_and_never_overwritten(home: Path) -> None:
    home.mkdir()
    (home / "arena.db").write_bytes(b"my holiday diary, not an arena\n" * 200)
    done = quick(home, "-c", "agents")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    kept = [path for path in home.iterdir() if b"holiday" in path.read_bytes()[:100]]
    assert len(kept) == 1
    commands(home, "agents")
    assert kept[0].read_bytes().startswith(b"my holiday diary")


@pytest.mark.parametrize("place", ["/proc/bandits", "/dev/null"])
def test_a_home_that_cannot_be_made_is_one_line(home: Path, place: str) -> None:
    done = quick(home, "-c", "agents", env={"BANDITS_HOME": place})
    assert done.returncode == 1
    assert done.stderr.startswith("error: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_full_disk_is_one_line(home: Path) -> None:
    done = quick(home, "-c", "agents > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "error: the output could not be written: No space left on device\n"

"""The wheel that users get: built from the sdist, audited, installed where no compiler is asked, played.

Slow: it builds the engine once, and fills a fresh environment for every interpreter that this machine
has.  The tools are those of the extra [wheel], in an environment of their own.  auditwheel refuses a
symbol that glibc 2.28 does not have.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from bandits.model import builds as engine
from tests.support.paths import ROOT

fcntl = pytest.importorskip("fcntl")
GOLDEN = ROOT / "tests" / "support" / "golden_battle.py"
X86 = platform.machine() == "x86_64"
BUILDS = {"avx512", "avx2", "base"} if X86 else {"base"}
MINORS = (11, 12, 13, 14)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="auditwheel is for Linux"),
]


def run(*command: str | Path, cwd: Path) -> str:
    """Run without anything of this session's own Python; returns what is printed, or fails with it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BANDITS_", "PYTHON"))}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "BANDITS_HOME": str(cwd / "arena")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{command} exits {done.returncode}:\n{done.stdout[-5000:]}"
    return done.stdout


def environment(python: str | Path, folder: Path) -> Path:
    """Make a fresh virtual environment; returns its folder of programs."""
    run(python, "-m", "venv", folder, cwd=folder.parent)
    return folder / "bin"


def interpreter(minor: int) -> Path | None:
    """A CPython 3.minor of this machine that can make environments: on the path, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = [shutil.which(f"python3.{minor}"), *pyenv.glob(f"3.{minor}.*/bin/python")]
    checks = f"import ssl, ensurepip, sys; assert sys.version_info[:2] == (3, {minor}), sys.version"
    for path in filter(None, found):
        if subprocess.run([path, "-c", checks], capture_output=True, check=False).returncode == 0:
            return Path(path)
    return None


def make(workshop: Path) -> None:
    """Fill a folder with tools, a copy of this tree, and what is built from it alone."""
    tools = environment(sys.executable, workshop / "venv")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    run(tools / "pip", "install", *project["optional-dependencies"]["wheel"], cwd=workshop)
    leftovers = "build dist *.egg-info *.so __pycache__ .?*cache .git .venv venv .benchmarks"
    ignore = shutil.ignore_patterns(*leftovers.split())
    shutil.copytree(ROOT, workshop / "source", ignore=ignore)
    run(tools / "python", "-m", "build", "--outdir", "dist", "source", cwd=workshop)
    [wheel] = (workshop / "dist").glob("*.whl")
    repair = ("auditwheel", "repair", "--plat", f"manylinux_2_28_{platform.machine()}", wheel)
    run("env", f"PATH={tools}:{os.environ['PATH']}", *repair, "-w", "repaired", cwd=workshop)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `make` filled, once for all processes of this session."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / "wheel"
    with (base / "wheel.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / "made").touch()
    return folder


@pytest.fixture(scope="module")
def tools(workshop: Path) -> Path:
    """The folder of programs of an environment with the extra [wheel]."""
    return workshop / "venv" / "bin"


@pytest.fixture(scope="module")
def repaired(workshop: Path) -> Path:
    """The wheel as it is published: allowed on every Linux that has glibc 2.28."""
    [path] = (workshop / "repaired").glob("*.whl")
    return path


def test_the_sdist_holds_sources_tests_and_benchmarks_and_nothing_compiled(workshop: Path) -> None:
    [path] = (workshop / "dist").glob("*.tar.gz")
    with tarfile.open(path) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    folders = [ROOT / name for name in ("bandits", "benchmarks", "csrc", "tests")]
    suffixes = {".py", ".pyx", ".pxd", ".pxi", ".h", ".json", ".txt"}
    sources = {
        str(file.relative_to(ROOT))
        for folder in folders
        for file in folder.rglob("*")
        if file.suffix in suffixes
    }
    assert sources - held == set()
    by_hand = {"tests/model/lanes/hard.c", "tests/model/lanes/lanes.c"}
    assert {name for name in held if name.endswith((".so", ".c", ".pyc"))} == by_hand


def test_one_small_wheel_holds_every_build_for_every_python(workshop: Path, repaired: Path) -> None:
    [wheel] = (workshop / "dist").glob("*.whl")
    assert wheel.name.endswith(f"-cp311-abi3-linux_{platform.machine()}.whl")
    assert repaired.stat().st_size <= 2_000_000
    with zipfile.ZipFile(repaired) as archive:
        compiled = {name for name in archive.namelist() if name.endswith(".so")}
        assert compiled == {f"bandits/model/_engine_{isa}.abi3.so" for isa in BUILDS}
        assert not any(name.startswith(("tests/", "csrc/")) for name in archive.namelist())
        assert any(name.endswith("/share/man/man1/bandits.1") for name in archive.namelist())


def test_abi3audit_finds_nothing(repaired: Path, tools: Path) -> None:
    audit = run(tools / "abi3audit", "--strict", "--summary", repaired, cwd=repaired.parent)
    said = " ".join(audit.split())
    assert (
        f"{len(BUILDS)} extensions scanned; 0 ABI version mismatches and 0 ABI violations" in said
    )


def test_the_wheel_needs_no_library_but_libc_and_libm(
    repaired: Path, tools: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(repaired) as archive:
        archive.extractall(tmp_path)
    for path in (tmp_path / "bandits").glob("*.so"):
        needed = run(tools / "patchelf", "--print-needed", path, cwd=tmp_path).split()
        assert set(needed) <= {"libc.so.6", "libm.so.6"}


def test_without_a_compiler_one_line_says_what_to_install(
    workshop: Path, tools: Path, tmp_path: Path
) -> None:
    build = (tools / "pip", "wheel", "--no-deps", workshop / "source")
    with pytest.raises(AssertionError) as failed:
        run("env", "CC=/nowhere/cc", *build, cwd=tmp_path)
    [line] = [line for line in str(failed.value).splitlines() if "no C compiler" in line]
    assert "/nowhere/cc" in line
    assert "apt-get install gcc python3-dev" in line
    assert "Traceback" not in str(failed.value)


@pytest.mark.parametrize("minor", MINORS)
def test_an_installed_wheel_fights_the_golden_battle_on_every_build(
    minor: int, repaired: Path, tmp_path: Path
) -> None:
    python = interpreter(minor)
    if python is None:
        pytest.skip(
            f"no CPython 3.{minor} with ssl and ensurepip on the path or in pyenv's versions"
        )
    programs = environment(python, tmp_path / "venv")
    run(programs / "pip", "install", "--only-binary", ":all:", repaired, cwd=tmp_path)
    assert run(programs / "bandits", "-c", "battle A B 100", cwd=tmp_path).count("by score") == 1
    if shutil.which("man"):  # looks beside the folders of PATH
        found = run(
            "env", f"PATH={programs}:{os.environ['PATH']}", "man", "-w", "bandits", cwd=tmp_path
        )
        assert Path(found.strip()) == tmp_path / "venv" / "share" / "man" / "man1" / "bandits.1"
    said = run(programs / "python", GOLDEN, cwd=tmp_path).splitlines()
    assert said == [f"{isa}: the golden battle, to the bit" for isa in engine.usable()]

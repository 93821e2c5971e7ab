"""Build the engine: one Cython source, compiled for each instruction set of this kind of machine.

A wheel holds all of them, for bandits/model/builds.py to pick from at run time, and by the limited API one
wheel serves every CPython from 3.11 on; a free-threaded Python has no such API and builds its own.
"""

import os
import shutil
import sys
import sysconfig
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from threading import Lock

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import PlatformError

# No -ffast-math and no contraction: every build must add and round alike.  -fno-math-errno and
# -fno-trapping-math change no result; they let sqrt and comparisons be vectorised.
EXACT = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-g0"]
# BANDITS_DEBUG=1 (.ci/debug sets it): indices are checked, and what is out of bounds or undefined aborts.
DEBUG = os.environ.get("BANDITS_DEBUG") == "1"
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
if DEBUG:
    EXACT = ["-O1", "-g1", "-ffp-contract=off", "-fno-wrapv", "-fno-omit-frame-pointer", *SANITIZE]
FLAGS = {
    "base": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mavx2", "-mfma"],
}
MACHINE = sysconfig.get_platform().rpartition("-")[2]  # that is built for, by a cross compiler too
if sys.platform == "darwin":  # one architecture: python.org's Python asks for two at once
    MACHINE = os.environ.setdefault("ARCHFLAGS", f"-arch {os.uname().machine}").split()[-1]
X86 = MACHINE in ("x86_64", "amd64")
WINDOWS = os.name == "nt"
SOURCES = sorted(p for p in Path("csrc").iterdir() if p.suffix in (".pyx", ".pxd", ".pxi", ".h"))
# Compiled in, so that bandits/model/builds.py knows a build that is older than the sources beside it.
DIGEST = sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()[:16]
LIMITED_API = not sysconfig.get_config_var("Py_GIL_DISABLED")
INSTALL = {
    "darwin": "xcode-select --install",
    "win32": "winget install LLVM.LLVM, and open a terminal that has clang-cl on its path",
}.get(sys.platform, "apt-get install gcc python3-dev (Fedora: dnf install gcc python3-devel)")


class BuildEngine(build_ext):
    """Compiles the builds side by side, and says in one line what a machine lacks."""

    translating = Lock()  # compilers run side by side, Cython does not

    def build_extensions(self) -> None:
        compiler = self.compiler
        if WINDOWS:  # cl.exe has no vector types
            compiler.initialize()
            compiler.cc = "clang-cl"
        command = compiler.cc if WINDOWS else compiler.compiler_so[0]
        if shutil.which(command) is None:
            raise PlatformError(f"no C compiler {command!r}; to have one: {INSTALL}")
        if not Path(sysconfig.get_path("include"), "Python.h").exists():
            raise PlatformError(f"no Python.h for {sys.executable}; to have it: {INSTALL}")
        super().build_extensions()

    def build_extension(self, ext: Extension) -> None:
        with self.translating:
            [translated] = cythonize(
                [ext],
                include_path=["csrc"],
                build_dir="build/cython-debug" if DEBUG else "build/cython",
                compiler_directives={
                    "language_level": 3,
                    "boundscheck": DEBUG,
                    "wraparound": False,
                    "cdivision": True,
                    "initializedcheck": DEBUG,
                    "freethreading_compatible": True,
                },
            )
        ext.sources = translated.sources
        super().build_extension(ext)

    def copy_extensions_to_source(self) -> None:
        """In the clone, an older build under another suffix would be imported instead: it goes."""
        super().copy_extensions_to_source()
        for ext in self.extensions:
            built = Path(self.get_ext_filename(ext.name))
            for suffix in EXTENSION_SUFFIXES:
                older = built.with_name(ext.name.rpartition(".")[2] + suffix)
                if older != built:
                    older.unlink(missing_ok=True)


def extension(isa: str) -> Extension:
    """One build of the engine."""
    flags = EXACT + FLAGS[isa]
    return Extension(
        f"bandits.model._engine_{isa}",
        [f"csrc/_engine_{isa}.pyx"],
        include_dirs=["csrc"],
        depends=[str(path) for path in SOURCES],
        extra_compile_args=[f"/clang:{flag}" for flag in flags] if WINDOWS else flags,
        extra_link_args=SANITIZE if DEBUG else ["-s"] if sys.platform == "linux" else [],
        define_macros=[
            ("CYTHON_INLINE", "inline" if DEBUG else "inline __attribute__((always_inline))"),
            ("ENGINE_SOURCES", f'"{DIGEST}"'),
            *([("Py_LIMITED_API", "0x030B0000")] if LIMITED_API else []),
        ],
        libraries=[] if WINDOWS else ["m"],
        py_limited_api=LIMITED_API,
    )


setup(
    cmdclass={"build_ext": BuildEngine},
    ext_modules=[extension(isa) for isa in (FLAGS if X86 else ["base"])],
    options={
        "build_ext": {"parallel": True},
        "bdist_wheel": {"py_limited_api": "cp311"} if LIMITED_API else {},
    },
)

"""Build the engine: one Cython source, compiled for each instruction set of this kind of machine."""

import os
import platform
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError

# No -ffast-math and no contraction: every build must add and round alike.  -fno-math-errno and
# -fno-trapping-math change no result; they let sqrt and comparisons be vectorised.
EXACT = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-g0"]
FLAGS = {
    "base": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mavx2", "-mfma"],
}
X86 = platform.machine().lower() in ("x86_64", "amd64")

NEEDED = """
The engine of bandits could not be compiled: {problem}
It needs gcc or clang and the header files of Python:
    Debian, Ubuntu   apt-get install gcc python3-dev
    Fedora           dnf install gcc python3-devel
    macOS            xcode-select --install
"""


class BuildEngine(build_ext):
    """Says what to install where there is no compiler, in place of an error number."""

    def build_extension(self, ext: Extension) -> None:
        try:
            super().build_extension(ext)
        except (CCompilerError, OSError) as problem:
            raise SystemExit(NEEDED.format(problem=problem)) from None


extensions = [
    Extension(
        f"bandits._engine_{isa}",
        [f"csrc/_engine_{isa}.pyx"],
        include_dirs=["csrc"],
        depends=[
            str(path) for path in Path("csrc").iterdir() if path.suffix in (".pxd", ".pxi", ".h")
        ],
        extra_compile_args=EXACT + flags,
        define_macros=[("CYTHON_INLINE", "inline __attribute__((always_inline))")],
        libraries=["m"],
    )
    for isa, flags in FLAGS.items()
    if X86 or isa == "base"
]

setup(
    cmdclass={"build_ext": BuildEngine},
    options={"build_ext": {"parallel": os.cpu_count()}},
    ext_modules=cythonize(
        extensions,
        include_path=["csrc"],
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
        },
    ),
)

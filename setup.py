"""Build the engine: one Cython source, compiled for each instruction set of this kind of machine."""

import platform
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# No -ffast-math and no contraction: every build must add and round alike.  -fno-math-errno and
# -fno-trapping-math change no result; they let sqrt and comparisons be vectorised.
EXACT = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-g0"]
FLAGS = {
    "base": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mavx2", "-mfma"],
}
X86 = platform.machine().lower() in ("x86_64", "amd64")

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
    )
)

#!/usr/bin/env bash
# Proves the aarch64 wheel on an x86-64 Debian: cross-compiles it, audits it, and runs it under qemu with
# Debian's own arm64 Python and PyPI's arm64 wheels.  The first battle and the golden runs must have the bits
# that are written down.  Nothing is installed for it but in a temporary folder; it takes some ten minutes.
#     apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
#     tools/prove_aarch64.sh [short]          (short: leave out the golden runs of wide models)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
cd "$temporary"

mkdir -p apt/lists/partial apt/cache/archives/partial machine
touch apt/status
cat >apt.conf <<EOF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Dir::State "$temporary/apt";
Dir::State::status "$temporary/apt/status";
Dir::Cache "$temporary/apt/cache";
EOF
export APT_CONFIG="$temporary/apt.conf"
apt-get -qq update
apt-get -qq download libc6 libgcc-s1 libstdc++6 zlib1g libexpat1 libffi8 libsqlite3-0 libbz2-1.0 liblzma5 \
    libssl3 libuuid1 libcrypt1 python3.11-minimal libpython3.11-minimal libpython3.11-stdlib
unset APT_CONFIG
for package in ./*.deb; do dpkg -x "$package" machine; done
arm_python=(qemu-aarch64 -L "$temporary/machine" "$temporary/machine/usr/bin/python3.11")

python3 -m venv tools
tools/bin/pip -q install abi3audit auditwheel build 'cython>=3.3' 'setuptools>=77'
cp -r "$root" source
rm -rf source/build source/bandits/*.so
CC=aarch64-linux-gnu-gcc LDSHARED="aarch64-linux-gnu-gcc -shared" _PYTHON_HOST_PLATFORM=linux-aarch64 \
    tools/bin/python -m build --wheel --no-isolation --outdir . source >build.log || { cat build.log; exit 1; }
tools/bin/auditwheel show ./*.whl
tools/bin/abi3audit --strict --summary ./*.whl
tools/bin/pip -q install --target site --only-binary :all: --python-version 3.11 --implementation cp \
    --platform linux_aarch64 --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
    --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 ./*.whl

export PYTHONPATH="$temporary/site:$temporary/source" BANDITS_HOME="$temporary/arena"
rm -rf source/bandits   # what is imported is the wheel
"${arm_python[@]}" -m bandits -c about
printf '#!/bin/sh\nexec %s -m bandits "$@"\n' "${arm_python[*]}" >bandits
chmod +x bandits
tools/bin/python - <<EOF
import json, sys
sys.path.insert(0, "source/tests/support")
import golden_battle
golden_battle.BANDITS = "$temporary/bandits"
wrong = golden_battle.differences(golden_battle.play("base"), json.loads(golden_battle.GOLDEN.read_text()))
sys.exit("\n".join(wrong) or print("aarch64: the golden battle, to the bit"))
EOF
"${arm_python[@]}" -m tests.support.golden "$@" >golden.json
tools/bin/python - <<EOF
import json
found, golden = (json.load(open(path)) for path in ("golden.json", "source/tests/support/golden.json"))
assert found and found == {run: golden[run] for run in found}, found
print(f"aarch64: {len(found)} golden runs, to the bit")
EOF

#!/usr/bin/env bash
# Build .venv: the toolchain of requirements/dev.txt, openstack.cloud, and this repository as bfv.openstack.
# Run by `make venv`; PYTHON chooses the interpreter, STAMP is touched when everything is in place.
set -euo pipefail
cd "$(dirname "$0")/.."

# A pyenv or asdf shim is on the PATH for each version but fails for those that are switched off: only a Python that runs counts.
usable() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -z "${PYTHON:-}" ]; then
  for candidate in python3.13 python3.12 python3.11 python3; do
    if usable "$candidate"; then PYTHON=$candidate && break; fi
  done
fi
if [ -z "${PYTHON:-}" ] || ! usable "$PYTHON"; then
  echo "make venv needs Python >= 3.11: set it with 'make venv PYTHON=/path/to/python3.12'." >&2
  exit 1
fi
# Debian ships venv without pip in its python3 package.
"$PYTHON" -c 'import ensurepip' 2>/dev/null || tools/need.sh "ensurepip:$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"

# Scripts in .venv/bin carry the path of the folder in which they were made: a moved or copied checkout starts anew.
# The marker is written into the empty folder: what is in it without one is somebody else's.
if [ ! -e "${STAMP:=.venv/.stamp}" ]; then
  if [ -n "$(ls -A .venv 2>/dev/null)" ] && ! compgen -G '.venv/.ready*' >/dev/null && [ ! -e .venv/.bfv-openstack ]; then
    echo "The folder .venv is not of \`make venv\`, which would empty it: move it away first." >&2
    exit 1
  fi
  echo "==> Virtual environment .venv with $("$PYTHON" --version)"
  rm -rf .venv
  mkdir .venv
  touch .venv/.bfv-openstack
  "$PYTHON" -m venv .venv
fi

echo "==> Toolchain of requirements/dev.txt"
.venv/bin/python -m pip install --quiet --require-hashes --requirement roles/sandbox/files/requirements/uv.txt
.venv/bin/uv pip sync --quiet --require-hashes --compile-bytecode --python .venv/bin/python requirements/dev.txt

echo "==> openstack.cloud out of the ansible wheel, and this repository as bfv.openstack"
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
# Of the wheel only a collection is used, which has no opinion on the Python version.
.venv/bin/python -m pip download --quiet --no-deps --ignore-requires-python --only-binary :all: \
  --dest "$wheels" --require-hashes --requirement requirements/collections.txt
.venv/bin/python tools/link_collections.py "$wheels"/ansible-*.whl

touch "$STAMP"

#!/usr/bin/env bash
# What the containers of the molecule scenarios are made of: a Debian with systemd, and Ironic's packages for its Python.
# Both are kept in .cache/molecule under digests of what they are made from. Prints the image's name and the packages' folder.
set -euo pipefail
cd "$(dirname "$0")/.."

suite=bookworm
python=3.11 # of that suite
include=systemd,systemd-sysv,python3
lock=roles/sandbox/files/requirements/2026.2.txt

if [ "$(id -u)" -ne 0 ]; then
  echo "The containers of the molecule scenarios need root: debootstrap and podman." >&2
  exit 1
fi
tools/need.sh podman:podman runc:runc debootstrap:debootstrap >&2

cache=$PWD/.cache/molecule
mkdir -p "$cache"
CONTAINERS_CONF=$PWD/extensions/molecule/shared/containers.conf
export CONTAINERS_CONF

image=localhost/bfv-molecule:$(echo "$suite $include" | sha256sum | cut -c1-12)
base=$cache/base-${image##*:}.tar
if ! podman image exists "$image"; then
  if [ ! -e "$base" ]; then
    echo "==> Debian $suite for containers" >&2
    rm -rf "$cache/base"
    debootstrap --variant=minbase --include="$include" "$suite" "$cache/base" >"$cache/debootstrap.log"
    rm -rf "$cache"/base/var/cache/apt/archives/*.deb "$cache"/base/var/lib/apt/lists/*
    tar --create --file "$base.new" --directory "$cache/base" .
    rm -rf "$cache/base"
    mv "$base.new" "$base"
  fi
  podman import --quiet "$base" "$image" >&2
fi

# The versions are those of the sandbox. Compiled by the container's Python, since the service's user cannot write there.
packages=$cache/ironic-$(cat "$0" "$lock" | sha256sum | cut -c1-12)
if [ ! -e "$packages" ]; then
  echo "==> Ironic for Python $python" >&2
  rm -rf "$packages.new"
  .venv/bin/uv pip install --quiet --target "$packages.new" --python-version "$python" --only-binary :all: --constraint "$lock" ironic >&2
  podman run --rm --network none --volume "$packages.new:/packages" "$image" python3 -m compileall -q -x '/tests?/' /packages >&2 || true
  mv "$packages.new" "$packages"
fi
echo "$image $packages"

#!/usr/bin/env bash
# A Debian 13 for containers with nothing added, as the published debian:13 is: no registry is asked for it. Prints the image's name.
set -euo pipefail
cd "$(dirname "$0")/.."

suite=trixie

if [ "$(id -u)" -ne 0 ]; then
  echo "A Debian for containers needs root: debootstrap and podman." >&2
  exit 1
fi
tools/need.sh podman:podman runc:runc debootstrap:debootstrap >&2

CONTAINERS_CONF=$PWD/extensions/molecule/shared/containers.conf
export CONTAINERS_CONF

image=localhost/bfv-debian:$suite
if ! podman image exists "$image"; then
  echo "==> Debian $suite for containers" >&2
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  debootstrap --variant=minbase "$suite" "$root" >&2
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  tar --create --directory "$root" . | podman import --quiet - "$image" >&2
fi
echo "$image"

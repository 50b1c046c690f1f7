#!/usr/bin/env bash
# Make sure that commands, or files by their paths, exist: tools/need.sh COMMAND:DEBIAN_PACKAGE ...
# What is missing is installed when we are root on Debian, and named in one line when we are not.
set -euo pipefail

packages=()
for need in "$@"; do
  path=${need%%:*}
  if [[ $path == /* ]]; then [ -e "$path" ]; else command -v "$path" >/dev/null; fi || packages+=("${need#*:}")
done
[ ${#packages[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "==> Debian packages: ${packages[*]}"
  # The package lists of a new machine or container may be empty or old. Two checks may need something at once.
  install=(apt-get install -o DPkg::Lock::Timeout=300 --yes --quiet=2 --no-install-recommends "${packages[@]}")
  export DEBIAN_FRONTEND=noninteractive
  "${install[@]}" >/dev/null 2>&1 || { apt-get update --quiet=2 && "${install[@]}" >/dev/null; }
else
  echo "Missing Debian packages: ${packages[*]} (as root: apt-get install ${packages[*]})" >&2
  exit 1
fi

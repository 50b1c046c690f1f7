#!/usr/bin/env bash
# Import a tarball as Galaxy does: tools/importer.sh TARBALL. Any error or warning fails.
# ansible-test is run by `make test-publish` on its own: the importer would want a container for it.
set -euo pipefail
cd "$(dirname "$0")/.."
tarball=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" # it writes its result there
GALAXY_IMPORTER_CONFIG=$OLDPWD/tools/galaxy-importer.cfg python -m galaxy_importer.main "$tarball" | tee log
if grep --quiet --extended-regexp '(WARNING|ERROR|CRITICAL)' log; then exit 1; fi
grep --quiet 'Importer processing completed successfully' log

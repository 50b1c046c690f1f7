#!/usr/bin/env bash
# Build the site of the documentation in .cache/docs/build/html, of what the tarball holds: tools/docs_site.sh TARBALL
# A warning fails the build.
set -euo pipefail
cd "$(dirname "$0")/.."
tarball=$(realpath "$1")
site=$PWD/.cache/docs
site_packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

rm -rf "$site"
collections=$site/collections/ansible_collections
mkdir -p "$collections/bfv/openstack" "$collections/openstack"
tar --extract --file "$tarball" --directory "$collections/bfv/openstack"
ln -s "$site_packages/ansible_collections/openstack/cloud" "$collections/openstack/cloud"

antsibull-docs sphinx-init --use-current --squash-hierarchy --fail-on-error --sphinx-theme furo --project bfv.openstack \
  --copyright "The bfv.openstack contributors" --dest-dir "$site" bfv.openstack >/dev/null
cp -r tools/docs_site/{ansible_labels.txt,static} "$site"
cat tools/docs_site/conf.py >>"$site/conf.py"
ANSIBLE_COLLECTIONS_PATH=$site/collections "$site/build.sh"

#!/usr/bin/env bash
# Rehearse the release of galaxy.yml's version in a clone of the last commit, and stop before publishing. Nothing leaves this machine.
# Run by `make rehearsal`, with the tools of requirements/publish.txt in PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
rehearsal=$repository/.cache/rehearsal

stop() {
  echo "Not ready for a release: $1" >&2
  exit 1
}

version=$(sed -n 's/^version: //p' galaxy.yml)
echo "==> bfv.openstack $version"
[ -z "$(git status --porcelain)" ] || stop "commit or remove what git status shows."
[ -z "$(git tag --list "$version")" ] || stop "the tag $version is there. Set the next version in galaxy.yml."

rm -rf "$rehearsal"
git clone --quiet "$repository" "$rehearsal/clone"
cd "$rehearsal/clone"

echo "==> Changelog"
antsibull-changelog lint
if grep --quiet "^  $version:" changelogs/changelog.yaml; then
  find changelogs/fragments -name '*.yml' | grep --quiet . && stop "fragments are left: run antsibull-changelog release --update-existing, and commit."
else
  antsibull-changelog release
fi
sed -n "/^v$version\$/,/^v0/p" CHANGELOG.rst | grep --quiet '^Release Summary' || stop "changelogs/fragments/$version.yml has no release_summary."

echo "==> Tarball"
ansible-galaxy collection build --output-path "$rehearsal" >/dev/null
tarball=$rehearsal/bfv-openstack-$version.tar.gz
"$repository/tools/importer.sh" "$tarball" >"$rehearsal/importer.log" || { cat "$rehearsal/importer.log" >&2 && stop "Galaxy's importer refuses the tarball."; }

echo "==> Installed in an empty folder, as a stranger does"
mkdir "$rehearsal/stranger"
cd "$rehearsal/stranger"
export ANSIBLE_HOME=$rehearsal/stranger ANSIBLE_COLLECTIONS_PATH=$rehearsal/stranger/collections
# openstack.cloud is beside it already: whether Galaxy is reached must not decide a rehearsal.
ansible-galaxy collection install --no-deps "$tarball" >/dev/null
ansible-galaxy collection verify --offline "bfv.openstack:$version" | tail -n 1
for kind in module role inventory filter; do
  echo "$kind: $(ansible-doc --type "$kind" --list bfv.openstack 2>/dev/null | grep --count '^bfv.openstack')"
done
ansible-playbook bfv.openstack.site --syntax-check >/dev/null

sha256sum "$tarball"
cat <<END
Ready, and nothing is published. What is left, after \`make test-publish\`:
  git tag --annotate $version --message "bfv.openstack $version" && git push origin main $version
  ansible-galaxy collection publish $tarball
  the site of the documentation: .cache/docs/build/html
  the next version in galaxy.yml
END

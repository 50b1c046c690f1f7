#!/usr/bin/env bash
# ansible-test on a copy: it wants a path that ends in ansible_collections/bfv/openstack, and no other files in it.
# The ansible-core of the first Python in PATH is the one that tests. All arguments go to ansible-test:
#   tools/ansible_test.sh sanity --test validate-modules
#   PATH=$PWD/.cache/clients/oldest/bin:$PATH tools/ansible_test.sh units tests/unit/values/ --venv
set -euo pipefail
cd "$(dirname "$0")/.."

work=$PWD/.cache/ansible-test
copy=$work/ansible_collections/bfv/openstack
site_packages=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

# What git knows or would add; a deleted file stays in the index until the commit.
rm -rf "$copy"
mkdir -p "$copy" "$work/ansible_collections/openstack"
git ls-files --cached --others --exclude-standard -z |
  while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done |
  tar --create --null --files-from=- | tar --extract --directory "$copy"
# Without a repository of its own, the outer one would answer that all these files are ignored, and nothing would be tested.
git init --quiet "$copy"
# ansible-test looks for the collections that ours depends on beside it.
ln -sfn "$site_packages/ansible_collections/openstack/cloud" "$work/ansible_collections/openstack/cloud"

# ansible-test keeps its environments under HOME. They belong to this checkout, and pip still needs the user's settings.
mkdir -p "$work/home/.config"
if [ -d ~/.config/pip ]; then ln -sfn ~/.config/pip "$work/home/.config/pip"; fi
export HOME=$work/home

# Each ansible-core bootstraps its environments with one exact version of pip.
pip=$(sed -n "s/^ *pip='\([0-9.]*\)',$/\1/p" "$site_packages/ansible_test/_internal/python_requirements.py")
cache=$HOME/.ansible/test/cache
if [ ! -e "$cache/get_pip_${pip//./_}.py" ]; then
  rm -rf "$cache"
  .venv/bin/python -m pip download --quiet --no-deps --only-binary :all: --dest "$cache" "pip==$pip"
  cp tools/get_pip.py "$cache/get_pip_${pip//./_}.py"
fi

cd "$copy"
exec ansible-test "$1" --color no --python "$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" "${@:2}"

#!/usr/bin/env bash
# Integration tests that need no Nova, on one release of OpenStack: tools/generation.sh RELEASE JUNIT_XML PYTEST_ARGUMENT...
# Its sandbox is made anew, and taken down in the end. The services are installed in .sandbox, as those of the other sandboxes.
set -euo pipefail
cd "$(dirname "$0")/.."

release=$1 junit=$2
shift 2
folder=$PWD/.cache/generations/$release
options=(-e "sandbox_release=$release" -e "sandbox_venv=$PWD/.sandbox/venv-$release" -e "sandbox_cache=$PWD/.sandbox/cache")

down() {
  ansible-playbook bfv.openstack.sandbox_down "${options[@]}" -e "sandbox_dir=$folder" -e sandbox_purge=true
}

ansible-playbook tools/services.yml "${options[@]}" -e "sandbox_dir=$PWD/.sandbox"
mkdir -p "$(dirname "$folder")"
down
trap down EXIT
ansible-playbook bfv.openstack.sandbox "${options[@]}" -e "sandbox_dir=$folder"
OS_CLIENT_CONFIG_FILE=$folder/clouds.yaml pytest -m "not full and not long" --junitxml="$junit" "$@"

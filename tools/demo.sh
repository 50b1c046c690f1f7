#!/usr/bin/env bash
# Boot the nodes of inventory/sandbox from their volumes, show that a second run changes nothing, and what boots from where.
# Run by `make demo`, which starts the sandbox before.
set -euo pipefail
cd "$(dirname "$0")/.."
export OS_CLIENT_CONFIG_FILE=$PWD/.sandbox/clouds.yaml
log=.cache/demo.log

site() {
  ansible-playbook bfv.openstack.site -i inventory/sandbox
}

echo "==> First run: volumes, storage interfaces, connectors, targets, deployment"
site

echo "==> Second run"
site | tee "$log"
changed=$(sed -n 's/.* changed=\([0-9]*\) .*/\1/p' "$log" | awk '{ sum += $1 } END { print sum + 0 }')
echo "second run: changed=$changed"
[ "$changed" -eq 0 ]

echo "==> What boots from which volume"
python tools/demo_table.py
echo "The sandbox stays up: 'export OS_CLIENT_CONFIG_FILE=$OS_CLIENT_CONFIG_FILE' and look around. 'make down' ends it."

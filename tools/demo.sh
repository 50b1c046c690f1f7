#!/usr/bin/env bash
# Boot the nodes and servers of inventory/sandbox from their volumes, move one server to another flavor, save a server and a node and
# bring them back, show that a second run changes nothing, what boots from where, and the cloud as an inventory of which a run changes nothing.
# Run by `make demo`, which starts the sandbox before.
set -euo pipefail
cd "$(dirname "$0")/.."
export OS_CLIENT_CONFIG_FILE=$PWD/.sandbox/clouds.yaml
log=.cache/demo.log
larger=(-e sandbox_flavor=bfv.medium) # of server vm-0

play() {
  ansible-playbook -i inventory/sandbox "$@"
}

unchanged() { # the run that the log is of changed nothing
  changed=$(sed -n 's/.* changed=\([0-9]*\) .*/\1/p' "$log" | awk '{ sum += $1 } END { print sum + 0 }')
  echo "$1: changed=$changed"
  [ "$changed" -eq 0 ]
}

address() {
  openstack --os-cloud sandbox server show vm-0 --format value --column addresses
}

echo "==> First run: volumes, storage interfaces, connectors, targets, deployment, servers"
play bfv.openstack.site bfv.openstack.server -e baremetal_deploy_report="$PWD/.cache/demo.html"
echo "What became of the nodes, as a page: .cache/demo.html"

echo "==> Move the disk of server vm-0 under flavor bfv.medium, by a server that replaces it"
before=$(address)
play bfv.openstack.server --limit vm-0 "${larger[@]}"
echo "address of vm-0: $before before, $(address) after"
[ "$before" = "$(address)" ]

echo "==> Save server vm-0 and node bm-0, change what is on their disks, and bring them back"
checkpoint=(bfv.openstack.checkpoint --limit "vm-0,bm-0" -e checkpoint="demo-$(date +%s)")
python tools/demo_disk.py vm-0 bm-0 "as it was saved"
play "${checkpoint[@]}" -e checkpoint_keep=1
python tools/demo_disk.py vm-0 bm-0 "changed since"
python tools/demo_disk.py vm-0 bm-0
# without a safety checkpoint Cinder writes the snapshot onto the node's own volume
play "${checkpoint[@]}" -e checkpoint_state=reverted -e checkpoint_safety=false -e '{"checkpoint_may_lose": ["user_data"]}'
python tools/demo_disk.py vm-0 bm-0 | tee "$log"
echo "address of vm-0: $before before, $(address) after"
[ "$before" = "$(address)" ]
[ "$(grep --count ': as it was saved$' "$log")" -eq 2 ]

echo "==> Second run"
play bfv.openstack.site bfv.openstack.server "${larger[@]}" | tee "$log"
unchanged "second run"

echo "==> What boots from which volume"
python tools/demo_table.py

echo "==> What is there as an inventory: adopted.yml, made by demo.ironic.yml of what Ironic and Cinder tell"
cat > demo.ironic.yml <<'END'
plugin: bfv.openstack.ironic
cloud: sandbox-system
volume_cloud: sandbox
deploy_variables: true
filters:
  resource_class: baremetal
END
ansible-inventory -i demo.ironic.yml --list --yaml --output adopted.yml
ansible-playbook -i adopted.yml bfv.openstack.deploy | tee "$log"
grep --quiet '^bm-0 ' "$log"
unchanged "a run with adopted.yml"
echo "The sandbox stays up: 'export OS_CLIENT_CONFIG_FILE=$OS_CLIENT_CONFIG_FILE' and look around. 'make down' ends it."

# Everything runs in this folder: .venv (toolchain), .cache (Ansible home, copies for the checks), .sandbox (OpenStack services).
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Empty: the first of python3.13, python3.12, python3.11 and python3 that runs.
PYTHON ?=

VENV := $(CURDIR)/.venv
# The stamp carries the folder's path: a copied checkout builds an environment of its own.
export STAMP := $(VENV)/.ready$(subst /,-,$(CURDIR))

# A copy of the collection in ~/.ansible/collections would be found before this repository.
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export PATH := $(VENV)/bin:$(PATH)

.PHONY: help
help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

.PHONY: venv
venv: $(STAMP) ## Build the virtual environment .venv (PYTHON=python3.12 chooses the interpreter)

$(STAMP): requirements/dev.txt requirements/collections.txt tools/venv.sh tools/link_collections.py
	@PYTHON="$(PYTHON)" tools/venv.sh

# No index URLs in the locks: they have to work with any package index.
LOCK := uv pip compile --quiet --upgrade --universal --no-header --no-emit-index-url

.PHONY: lock
lock: venv ## Renew the locks from pyproject.toml
	$(LOCK) --python-version 3.11 --group dev --output-file requirements/dev.txt
	$(LOCK) --python-version 3.12 --group collections --no-deps --output-file requirements/collections.txt
	$(LOCK) --python-version 3.11 --group sandbox --output-file roles/sandbox/files/requirements.txt
	$(LOCK) --python-version 3.11 --group e2e --output-file tests/e2e/requirements.txt
	$(LOCK) --python-version 3.9 roles/boot_image/files/requirements.in --output-file roles/boot_image/files/requirements.txt

# The checks. Each one runs on its own too, for example: make lint-types
CHECK := @python tools/checks.py run
RESULTS := .cache/results
LINTS := lint-ruff lint-format lint-types lint-floors lint-ansible lint-yaml lint-docs lint-changelog

# All stages run, so that one look shows everything that fails; two at a time: the integration tests take as long as all
# others together. They share what `services` installs.
STAGES := test-integration test-lint test-sanity test-unit test-e2e test-molecule

.PHONY: test
test: venv ## All checks of the next six targets; ends with `N passed, N failed`
	@rm -rf $(RESULTS)
	@$(MAKE) --no-print-directory services
	@CHECKS_SIDE_BY_SIDE=1 $(MAKE) --no-print-directory --keep-going --jobs=2 $(STAGES); \
	status=$$?; python tools/checks.py summary && exit $$status

.PHONY: test-lint $(LINTS)
test-lint: ## Style, types, floors, documentation, changelog
	@$(MAKE) --no-print-directory --keep-going $(LINTS)

$(LINTS): venv

lint-ruff:
	$(CHECK) $@ ruff check --cache-dir .cache/ruff .

lint-format:
	$(CHECK) $@ ruff format --cache-dir .cache/ruff --check .

# mypy finds a package by its path, so it gets a path that ends as Ansible wants it.
lint-types:
	@mkdir -p .cache/path/ansible_collections/bfv && ln -sfn ../../../.. .cache/path/ansible_collections/bfv/openstack
	$(CHECK) $@ mypy

lint-floors:
	$(CHECK) $@ lint-imports --no-logo --cache-dir .cache/import-linter

lint-ansible:
	$(CHECK) $@ ansible-lint --offline --strict

lint-yaml:
	$(CHECK) $@ yamllint --strict .

lint-docs:
	$(CHECK) $@ antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=dependent .

lint-changelog:
	$(CHECK) $@ antsibull-changelog lint

.PHONY: test-sanity
test-sanity: venv ## ansible-test sanity, without exceptions
	@tools/need.sh git:git shellcheck:shellcheck
	$(CHECK) sanity tools/sanity.sh

.PHONY: test-unit
test-unit: venv ## Unit tests with coverage
	@[ "$$(id -u)" -ne 0 ] || tools/need.sh podman:podman qemu-img:qemu-utils runc:runc shellcheck:shellcheck # without them tests of image builds are skipped
	$(CHECK) unit pytest tests/unit --junitxml=$(RESULTS)/unit.xml --cov=plugins --cov-report=term

.PHONY: test-integration
test-integration: venv ## Integration tests against the sandbox (started when it is down)
	$(CHECK) sandbox $(MAKE) --no-print-directory sandbox PROFILE=full
	$(CHECK) integration env OS_CLIENT_CONFIG_FILE=$(CURDIR)/.sandbox/clouds.yaml \
	  pytest tests/integration --junitxml=$(RESULTS)/integration.xml

# Machines that really boot, in a network namespace. Images and services are kept in .cache/e2e from one run to the next.
.PHONY: test-e2e
test-e2e: venv ## Boot emulated machines from iSCSI volumes, by the playbooks alone (needs root)
	@tools/need.sh dnsmasq:dnsmasq-base ip:iproute2 qemu-img:qemu-utils qemu-system-x86_64:qemu-system-x86 setpriv:util-linux tgtd:tgt \
	  /usr/lib/ipxe/snponly.efi:ipxe /usr/lib/ipxe/qemu/efi-virtio.rom:ipxe-qemu /usr/share/OVMF/OVMF_CODE_4M.fd:ovmf
	$(CHECK) e2e pytest tests/e2e --junitxml=$(RESULTS)/e2e.xml

SCENARIOS ?= $(patsubst extensions/molecule/%/molecule.yml,%,$(wildcard extensions/molecule/*/molecule.yml))

.PHONY: test-molecule
test-molecule: venv ## The roles in containers and in a sandbox of their own (SCENARIOS=sandbox one of them)
	@tools/need.sh pgrep:procps
	@status=0; for scenario in $(SCENARIOS); do \
	  python tools/checks.py run molecule-$$scenario molecule test --scenario-name $$scenario || status=1; \
	done; exit $$status

# The sandbox: real OpenStack services in .sandbox, on loopback addresses.
PROFILE ?= mini
NODES ?= 4

.PHONY: services
services: venv # for sandboxes that share them
	@ansible-playbook tools/services.yml -e sandbox_dir=$(CURDIR)/.sandbox -e sandbox_profile=full

.PHONY: sandbox
sandbox: venv ## Start OpenStack on this machine (PROFILE=mini|full, NODES=4)
	@ansible-playbook bfv.openstack.sandbox -e sandbox_dir=$(CURDIR)/.sandbox \
	  -e sandbox_profile=$(PROFILE) -e sandbox_nodes=$(NODES) -e sandbox_inventory=$(CURDIR)/inventory/sandbox
	@echo "The sandbox is up. Next: export OS_CLIENT_CONFIG_FILE=$(CURDIR)/.sandbox/clouds.yaml and"
	@echo "ansible-playbook bfv.openstack.site -i inventory/sandbox (with .venv/bin in PATH). 'make down' ends it."

.PHONY: down
down: venv ## Stop it
	@ansible-playbook bfv.openstack.sandbox_down -e sandbox_dir=$(CURDIR)/.sandbox

.PHONY: demo
demo: PROFILE = full
demo: sandbox ## Boot fake bare-metal nodes and servers from real volumes, twice, and show the result
	@tools/demo.sh

# Each benchmark starts a sandbox of its own in .cache/bench, and stops it in the end: the other one would share the processor.
BENCH ?= planning doors second_run fleet volumes_from_image

.PHONY: bench
bench: venv ## Measure against the floor and the peers (BENCH=name one of them; half an hour for all)
	@for name in $(BENCH); do python -m tests.bench.$$name || exit; done

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
# The checks start Python thousands of times. Where it may not keep what it has compiled, it compiles it each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

.PHONY: venv
venv: $(STAMP) ## Build the virtual environment .venv (PYTHON=python3.12 chooses the interpreter)

$(STAMP): requirements/dev.txt requirements/collections.txt tools/venv.sh tools/link_collections.py
	@PYTHON="$(PYTHON)" tools/venv.sh

# No index URLs in the locks: they have to work with any package index, and with the digests that PyPI has.
LOCK := uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-emit-index-url

SERVICES := roles/sandbox/files/requirements

.PHONY: lock
lock: venv ## Renew the locks from pyproject.toml
	$(LOCK) --python-version 3.11 --group dev --output-file requirements/dev.txt
	$(LOCK) --python-version 3.12 --group collections --no-deps --output-file requirements/collections.txt
	$(LOCK) --python-version 3.11 --group publish --no-annotate --output-file requirements/publish.txt
	$(LOCK) --python-version 3.11 --group ee --no-annotate --output-file requirements/ee.txt
	python tools/clients.py lock
	$(LOCK) --python-version 3.11 --group sandbox --no-annotate --output-file $(SERVICES)/2026.2.txt
	$(LOCK) --python-version 3.11 --group installer --no-annotate --output-file $(SERVICES)/uv.txt
	for release in 2025.1 2024.1; do \
	  $(LOCK) --python-version 3.11 --no-annotate $(SERVICES)/$$release.in --output-file $(SERVICES)/$$release.txt || exit; \
	done
	$(LOCK) --python-version 3.11 --group e2e --output-file tests/e2e/requirements.txt
	$(LOCK) --python-version 3.9 roles/boot_image/files/requirements.in --output-file roles/boot_image/files/requirements.txt

# The checks. Each one runs on its own too, for example: make lint-types
CHECK := @python tools/checks.py run
RESULTS := .cache/results
LINTS := lint-ruff lint-format lint-types lint-floors lint-ansible lint-yaml lint-docs lint-changelog

# All stages run, so that one look shows everything that fails; the longest first, and two at a time. They share what `services` installs.
# What of them makes three quarters of an hour on two cores: the rest is for test-long, test-e2e, test-clients, test-generations and test-molecule.
STAGES := core-e2e core-integration core-clients test-unit core-molecule core-generation test-sanity
SIDE_BY_SIDE := CHECKS_SIDE_BY_SIDE=1 $(MAKE) --no-print-directory --keep-going --jobs=2

.PHONY: test
test: venv ## All that a change has to pass, in 35 to 45 minutes on two cores; ends with `N passed, N failed`
	@rm -rf $(RESULTS)
	@status=0; $(SIDE_BY_SIDE) services test-lint || status=1; $(SIDE_BY_SIDE) $(STAGES) || status=1; \
	python tools/checks.py summary && exit $$status

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
	$(CHECK) sanity tools/ansible_test.sh sanity --local

.PHONY: test-unit
test-unit: venv ## Unit tests
	@[ "$$(id -u)" -ne 0 ] || tools/need.sh mkfs.vfat:dosfstools podman:podman qemu-img:qemu-utils runc:runc shellcheck:shellcheck # without them tests of image builds are skipped
	$(CHECK) unit pytest tests/unit -n 2 --junitxml=$(RESULTS)/unit.xml

# The oldest and the newest ansible-core and libraries, and what comes next: requirements/clients.toml.
PAIRS ?= oldest newest next
# Of the unit tests those that ansible-core or the libraries could make fail; PAIR_TESTS=tests/unit takes all of them.
PAIR_TESTS ?= $(addprefix tests/unit/,run action filter cloud values/test_hiding.py values/test_secrets.py values/test_identifiers.py \
  test_collection.py test_conductor_config.py test_report.py)

.PHONY: test-clients
test-clients: venv ## Doors, modules and masking with the oldest and newest clients (PAIRS=oldest one of them)
	@tools/need.sh cc:gcc # openstacksdk 4.0 wants netifaces, of which there is the source alone
	@status=0; for pair in $(PAIRS); do \
	  python tools/clients.py venv $$pair && python tools/checks.py run clients-$$pair .cache/clients/$$pair/bin/python -m pytest \
	    $(PAIR_TESTS) tests/clients --junitxml=$(RESULTS)/clients-$$pair.xml || status=1; \
	done; python tools/clients.py table; exit $$status

.PHONY: coverage
coverage: venv ## Unit tests, and which lines and branches of the plugins they reach
	pytest tests/unit -n 2 --cov=plugins --cov-report=term-missing:skip-covered

# What a release has to pass beside the other checks: the collection as Galaxy, ansible-test and a browser see it.
VERSION := $(shell sed -n 's/^version: //p' galaxy.yml)
TARBALL := .cache/dist/bfv-openstack-$(VERSION).tar.gz
PUBLISH := .cache/publish
# The tools of requirements/publish.txt come first, with an ansible-core of their own.
IN_PUBLISH := env PATH="$(CURDIR)/$(PUBLISH)/bin:$(PATH)"
# ansible-test runs with the ansible-core of a pair. With --venv it makes the environment that the tests' requirements.txt asks for.
IN_PAIR = env PATH="$(CURDIR)/.cache/clients/$1/bin:$(PATH)"
UNITS ?= tests/unit/

$(PUBLISH)/ready: requirements/publish.txt $(STAMP)
	uv venv --quiet --clear --python $(VENV)/bin/python $(PUBLISH)
	uv pip sync --quiet --require-hashes --python $(PUBLISH)/bin/python $<
	touch $@

.PHONY: tarball
tarball: venv ## Build the collection as it is published, in .cache/dist
	@ansible-galaxy collection build --force --output-path .cache/dist

.PHONY: rehearsal
rehearsal: venv $(PUBLISH)/ready ## Rehearse the release of galaxy.yml's version, and stop before publishing
	@$(IN_PUBLISH) tools/release.sh

.PHONY: test-publish publish-importer publish-docs publish-sanity publish-units
PUBLISHED := importer licences docs-site links sanity-oldest sanity-newest sanity-next units-oldest units-newest
test-publish: ## What a release has to pass: Galaxy's importer, the site of the documentation, ansible-test on all pairs (an hour)
	@$(MAKE) --no-print-directory --keep-going publish-importer publish-docs publish-sanity publish-units; status=$$?; \
	python tools/checks.py table $(PUBLISHED) && exit $$status

publish-importer: tarball $(PUBLISH)/ready
	$(CHECK) licences $(IN_PUBLISH) reuse lint --quiet
	$(CHECK) importer $(IN_PUBLISH) tools/importer.sh $(TARBALL)

publish-docs: tarball $(PUBLISH)/ready
	$(CHECK) docs-site $(IN_PUBLISH) tools/docs_site.sh $(TARBALL)
	$(CHECK) links pytest tests/publish --junitxml=$(RESULTS)/links.xml

# The pylint of a pre-release of ansible-core may be of no release itself, and comes from GitHub then.
LESS_next := --skip-test pylint

publish-sanity: venv
	@tools/need.sh git:git shellcheck:shellcheck cc:gcc
	@status=0; $(foreach pair,oldest newest next,python tools/clients.py venv $(pair) && \
	  python tools/checks.py run sanity-$(pair) $(call IN_PAIR,$(pair)) tools/ansible_test.sh sanity --local $(LESS_$(pair)) || status=1;) \
	exit $$status

publish-units: venv
	@tools/need.sh git:git cc:gcc
	@status=0; for pair in oldest newest; do \
	  python tools/clients.py venv $$pair && \
	  python tools/checks.py run units-$$pair $(call IN_PAIR,$$pair) tools/ansible_test.sh units $(UNITS) --venv || status=1; \
	done; exit $$status

EE := .cache/ee

$(EE)/ready: requirements/ee.txt $(STAMP)
	uv venv --quiet --clear --python $(VENV)/bin/python $(EE)/venv
	uv pip sync --quiet --require-hashes --python $(EE)/venv/bin/python $<
	touch $@

.PHONY: test-ee
test-ee: tarball $(EE)/ready ## Build an execution environment of the tarball, and boot nodes from inside of it (root)
	@tools/need.sh qemu-img:qemu-utils
	$(CHECK) sandbox $(MAKE) --no-print-directory sandbox PROFILE=full
	$(CHECK) ee env OS_CLIENT_CONFIG_FILE=$(CURDIR)/.sandbox/clouds.yaml PATH="$(PATH):$(CURDIR)/$(EE)/venv/bin" \
	  pytest tests/containers/test_guide_awx.py --junitxml=$(RESULTS)/ee.xml; \
	status=$$?; python tools/checks.py table ee && exit $$status

.PHONY: test-stranger
test-stranger: tarball ## Follow README with the tarball alone, on a Debian 13 with nothing on it (root)
	$(CHECK) stranger pytest tests/containers/test_stranger.py --junitxml=$(RESULTS)/stranger.xml; \
	status=$$?; python tools/checks.py table stranger && exit $$status

LAW_SEQUENCES ?= 20000

.PHONY: test-laws
test-laws: venv ## The laws over many random sequences of runs and other people's deeds (LAW_SEQUENCES=20000; hours)
	LAW_SEQUENCES=$$(( ($(LAW_SEQUENCES) + 5) / 6 )) pytest tests/unit/test_state_machine.py -n 2 -rA

.PHONY: test-mutants
test-mutants: venv ## Break each guard of a destructive step, and see a test fail (an hour)
	python tools/mutate_guards.py

.PHONY: test-integration
test-integration: venv ## Integration tests against the sandbox (started when it is down)
	$(CHECK) sandbox $(MAKE) --no-print-directory sandbox PROFILE=full
	$(CHECK) integration env OS_CLIENT_CONFIG_FILE=$(CURDIR)/.sandbox/clouds.yaml \
	  pytest tests/integration -m "not long and not extra" -n 2 --dist loadfile --junitxml=$(RESULTS)/integration.xml

# A sandbox that nobody asks for anything takes a quarter of a processor.
.PHONY: core-integration
core-integration: venv
	@status=0; $(MAKE) --no-print-directory test-integration || status=1; $(MAKE) --no-print-directory down || status=1; exit $$status

.PHONY: test-long
test-long: venv ## The integration tests and the scenario that take the longest (an hour)
	$(CHECK) sandbox $(MAKE) --no-print-directory sandbox PROFILE=full
	$(CHECK) long env OS_CLIENT_CONFIG_FILE=$(CURDIR)/.sandbox/clouds.yaml \
	  pytest tests/integration -m "long or extra" -n 2 --dist loadfile --junitxml=$(RESULTS)/long.xml
	@$(MAKE) --no-print-directory test-e2e
	@$(MAKE) --no-print-directory test-molecule SCENARIOS=boot_image

RELEASES ?= 2025.1 2024.1
GENERATION_TESTS ?= tests/integration
GENERATIONS := $(RELEASES:%=generation-%)

.PHONY: test-generations $(GENERATIONS)
test-generations: ## The integration tests that need no Nova, on older releases (RELEASES=2025.1 one of them)
	@$(MAKE) --no-print-directory --keep-going $(GENERATIONS); status=$$?; \
	python tools/checks.py table $(GENERATIONS) && exit $$status

$(GENERATIONS): generation-%: venv
	$(CHECK) $@ tools/generation.sh $* $(RESULTS)/$@.xml -n 2 --dist loadfile $(GENERATION_TESTS)

# What of these fits beside the other checks: the oldest clients, and on the oldest release what asks most of Ironic and Cinder.
.PHONY: core-clients core-generation
core-clients: venv
	@$(MAKE) --no-print-directory test-clients PAIRS=oldest

core-generation: venv
	@$(MAKE) --no-print-directory generation-2024.1 GENERATION_TESTS="$(CORE)"

CORE := $(addprefix tests/integration/test_,baremetal_node_storage.py bfv_info.py volume_connector.py volume_target.py)

MACHINES := dnsmasq:dnsmasq-base genisoimage:genisoimage ip:iproute2 iscsi-inq:libiscsi-bin qemu-img:qemu-utils qemu-system-x86_64:qemu-system-x86 setpriv:util-linux ssh:openssh-client tgtd:tgt \
  /lib/systemd/system/run-qemu.mount:qemu-block-extra /usr/lib/ipxe/snponly.efi:ipxe /usr/lib/ipxe/qemu/efi-virtio.rom:ipxe-qemu /usr/share/OVMF/OVMF_CODE_4M.fd:ovmf

# Machines that really boot, in a network namespace. Images and services are kept in .cache/e2e from one run to the next.
.PHONY: test-e2e
test-e2e: venv ## Boot emulated machines from iSCSI volumes, by the playbooks alone (needs root)
	@tools/need.sh $(MACHINES)
	$(CHECK) e2e pytest tests/e2e $(E2E_OPTIONS) --junitxml=$(RESULTS)/e2e.xml

.PHONY: core-e2e
core-e2e: venv
	@$(MAKE) --no-print-directory test-e2e E2E_OPTIONS='-m "not extra"'

# boot_image builds an image, as `make test-e2e` does twice: it is one of the long tests.
SCENARIOS ?= $(filter-out boot_image,$(patsubst extensions/molecule/%/molecule.yml,%,$(wildcard extensions/molecule/*/molecule.yml)))

.PHONY: test-molecule
test-molecule: venv ## The roles in containers and in a sandbox of their own (SCENARIOS=sandbox one of them)
	@tools/need.sh pgrep:procps
	@status=0; for scenario in $(SCENARIOS); do \
	  python tools/checks.py run molecule-$$scenario molecule test --scenario-name $$scenario || status=1; \
	done; exit $$status

# The scenario sandbox starts what two other stages start as well.
.PHONY: core-molecule
core-molecule: venv
	@$(MAKE) --no-print-directory test-molecule SCENARIOS="baremetal_deploy conductor_storage"

# The sandbox: real OpenStack services in .sandbox, on loopback addresses.
PROFILE ?= mini
NODES ?= 4
RELEASE ?= 2026.2

.PHONY: services
services: venv # for sandboxes that share them
	@ansible-playbook tools/services.yml -e sandbox_dir=$(CURDIR)/.sandbox -e sandbox_profile=full

.PHONY: sandbox
sandbox: venv ## Start OpenStack on this machine (PROFILE=mini|full, NODES=4, RELEASE=2024.1)
	@ansible-playbook bfv.openstack.sandbox -e sandbox_dir=$(CURDIR)/.sandbox \
	  -e sandbox_release=$(RELEASE) -e sandbox_profile=$(PROFILE) -e sandbox_nodes=$(NODES) -e sandbox_inventory=$(CURDIR)/inventory/sandbox
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
BENCH ?= planning doors second_run fleet role servers volumes_from_image fill weather

.PHONY: bench
bench: venv ## Measure against the floor and the peers (BENCH=name one of them; half an hour for all)
	@for name in $(BENCH); do python -m tests.bench.$$name || exit; done

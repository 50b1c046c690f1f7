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
LOCK := uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-emit-index-url

.PHONY: lock
lock: venv ## Renew the locks from pyproject.toml
	$(LOCK) --group dev --output-file requirements/dev.txt
	$(LOCK) --group collections --no-deps --output-file requirements/collections.txt
	$(LOCK) --group sandbox --output-file roles/sandbox/files/requirements.txt

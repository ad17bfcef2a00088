# Needs only make, pip and a Python of 3.11 or later; works from any folder: make -C /path/to/headstart test
# Everything goes into .venv beside this file; a second run installs nothing unless pyproject.toml or constraints.txt changed.
HERE := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
VENV := $(HERE)/.venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The first of these that is new enough; PYTHON=/path/to/python3 make … overrides.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	"$$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)

# How pytest is called: two processes, a test file on one of them; ARGS="-n0 tests/data -k duplicates" for a part.
ARGS ?= -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help venv verified demo test check coverage format map pins lock audit clean

help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(HERE)/Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/'

venv: $(STAMP) ## install everything into .venv

$(STAMP): $(HERE)/pyproject.toml $(HERE)/constraints.txt
	@test -n "$(PYTHON)" || { echo "headstart needs Python 3.11 or later; none was found. Fix: install one, or say PYTHON=/path/to/python3 make ..." >&2; exit 2; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	cd $(HERE) && PIP_CONSTRAINT=$(HERE)/constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# pip checks hashes only where every requirement has one, which an editable install has not: so first the locked files, then this tree without its needs,
# built by the hatchling that was just installed: an isolated build would fetch its own, unchecked.
# torch is another file on every kind of machine: where the lock does not know yours, make lock adds it, once you trust what pip offers.
verified: ## install into .venv exactly the bytes of requirements.lock (pip --require-hashes), then this tree
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	cd $(HERE) && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	cd $(HERE) && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP) ## the whole river on real photographs of solar cells: fetch, fit, verdict, report
	cd $(HERE) && $(BIN)/headstart demo

test: $(STAMP) ## every test, the house's own checks among them
	cd $(HERE) && $(BIN)/python -m pytest $(ARGS)

check: $(STAMP) ## format, lint, types, floors, sizes, words, map first; then every other test
	cd $(HERE) && $(BIN)/python -m pytest -q tests/house && $(BIN)/python -m pytest -q --ignore=tests/house $(ARGS)

coverage: $(STAMP) ## branch coverage of readers, store and run folder: at least 95 % each
	cd $(HERE) && $(BIN)/python tools/cover.py

format: $(STAMP) ## put the code into its one format
	cd $(HERE) && $(BIN)/ruff format . && $(BIN)/ruff check --fix .

map: $(STAMP) ## write MAP.md anew
	cd $(HERE) && $(BIN)/python tools/map.py

pins: $(STAMP) ## write constraints.txt anew from what is installed in .venv
	cd $(HERE) && $(BIN)/python tools/pins.py

lock: $(STAMP) ## write requirements.lock (hashes) and sbom.cdx.json anew from constraints.txt
	cd $(HERE) && $(BIN)/python tools/lock.py

audit: $(STAMP) ## ask pip-audit for known weaknesses of the locked versions; needs its service on the network
	@test -x $(HERE)/build/audit/bin/pip-audit || { $(BIN)/python -m venv $(HERE)/build/audit && $(HERE)/build/audit/bin/python -m pip install --quiet pip-audit; }
	cd $(HERE) && build/audit/bin/pip-audit --disable-pip --require-hashes -r requirements.lock

clean: ## remove what was built here; the gallery, the activations and your runs stay
	rm -rf $(VENV) $(HERE)/build $(HERE)/dist $(HERE)/.mypy_cache $(HERE)/.ruff_cache $(HERE)/.pytest_cache $(HERE)/.import_linter_cache

# One command to see it, one to prove it. Both do their own set-up and are safe to run twice.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SEEDS ?= 60
JOBS ?= 2

.PHONY: help demo test simulate browser-test format docs lock clean

help:  ## What there is to run
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

demo: $(VENV)/.installed  ## The whole product in the browser: no account, no network
	$(BIN)/countersign demo $(ARGS)

test: $(VENV)/.installed-dev  ## Format, lint, types, imports, tests on both databases, simulation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.sim --seeds $(SEEDS)
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not browser" $(ARGS)

simulate: SEEDS = 500
simulate: $(VENV)/.installed-dev  ## Many more histories of the simulation
	$(BIN)/python -m tests.sim --seeds $(SEEDS)

browser-test: $(VENV)/.installed-dev  ## Click through the demo in Chromium (needs Debian's chromium)
	$(BIN)/pytest -m browser $(ARGS)

format: $(VENV)/.installed-dev  ## Format and sort imports
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-dev  ## Write docs/state-machine.md anew from the code
	$(BIN)/python -m tests.docs.machine_page > docs/state-machine.md

lock: $(VENV)/.installed-dev  ## Pin every dependency anew
	$(BIN)/pip-compile -q --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.lock pyproject.toml
	$(BIN)/pip-compile -q --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

clean:  ## Remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; run: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml requirements.lock | $(VENV)/bin/python
	$(BIN)/pip install -q --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml requirements-dev.lock | $(VENV)/bin/python
	$(BIN)/pip install -q --disable-pip-version-check -r requirements-dev.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	touch $@ $(VENV)/.installed

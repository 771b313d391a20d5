# Everything from a bare Python 3.12 or newer: "make demo", "make docs", "make test", "make lint"; "make venv" installs only.
# SPDX-License-Identifier: GPL-3.0-or-later
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
STAMP := $(VENV)/.installed
# What a user sources, too.
SETUP := source standalone/setup.sh

# One thread for each process: the demo and the tests share the cores between processes.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export NUMEXPR_NUM_THREADS := 1

.PHONY: demo docs test lint lock venv clean

demo: $(STAMP)
	$(SETUP) && exec python demo/runDemo.py $(DEMO_OPTIONS)

# The gallery has pictures where the demonstration has left its figures.
docs: $(STAMP)
	rm -rf docs-output
	$(SETUP) && python doc/generate/buildSite.py $(DOCS_OPTIONS)

test: $(STAMP)
	$(SETUP) && python -m pytest -n $(or $(TEST_PROCESSES),2) --dist loadfile --no-loadscope-reorder --mpl $(TEST_OPTIONS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy python/lsst/analysis/cp standalone/python/lsst doc/generate
	$(BIN)/yamllint --strict .

venv: $(STAMP)

$(STAMP): requirements.lock pyproject.toml standalone/pyproject.toml .ci/findPython
	@python=$$(./.ci/findPython) && { test -x $(BIN)/python || "$$python" -m venv $(VENV); }
	@echo "Installing into $(VENV) ..."
	$(PIP) --requirement requirements.lock
	$(PIP) --no-build-isolation --editable . --editable standalone
	@touch $@

# Resolves the ranges of pyproject.toml anew for every supported Python and platform.
lock: $(STAMP)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.12 --no-header --no-annotate --no-emit-index-url \
	    --upgrade --all-extras --output-file requirements.lock pyproject.toml standalone/pyproject.toml

clean:
	rm -rf $(VENV) demo-output docs-output tinyCam-output

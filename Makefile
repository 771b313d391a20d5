# Everything from a bare Python 3.12 or newer: "make demo", "make test", "make lint".
# SPDX-License-Identifier: GPL-3.0-or-later
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
STAMP := $(VENV)/.installed

export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANALYSIS_CP_DIR := $(CURDIR)
export CP_VERIFY_DIR := $(CURDIR)/standalone
export ANALYSIS_TOOLS_DIR := $(CURDIR)/standalone
# One thread for each process: the demo and the tests share the cores between processes.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export NUMEXPR_NUM_THREADS := 1

.PHONY: demo test lint lock clean

demo: $(STAMP)
	$(BIN)/python demo/runDemo.py $(DEMO_OPTIONS)

test: $(STAMP)
	$(BIN)/python -m pytest -n $(or $(TEST_PROCESSES),2) --dist loadfile --mpl $(TEST_OPTIONS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy python/lsst/analysis/cp standalone/python/lsst doc/generate
	$(BIN)/yamllint --strict .

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
	rm -rf $(VENV) demo-output

# `make study` goes from a fresh clone to a report; `make test` and `make check` are what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: study test test-slow test-core check clean

study: $(VENV)/.installed-run  ## a first study on the embedded docstrings, and its report
	$(BIN)/study run quick

test: $(VENV)/.installed-check  ## the fast tests, one real study through Ray among them
	$(BIN)/pytest

test-slow: $(VENV)/.installed-check  ## the slow tests
	$(BIN)/pytest -m slow

test-core: .venv-core/.installed  ## search_spaces and analysis where neither Ray nor TensorFlow is installed
	.venv-core/bin/pytest tests/search_spaces tests/analysis

check: $(VENV)/.installed-check  ## lint, formatting, types, layers, dead and duplicate code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/pylint analysis search_spaces study

clean:  ## everything that can be made again, but no study
	rm -rf .venv .venv-core build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-run: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[run]"
	touch $@

$(VENV)/.installed-check: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[run,check]"
	touch $@ $(VENV)/.installed-run

.venv-core/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-core
	.venv-core/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[optuna,test]"
	touch $@

# `make study` goes from a fresh clone to a report; `make test` and `make check` are what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests that lie side by side share what they set up, and whoever is idle takes half of what another has left.
SIDE_BY_SIDE := --numprocesses logical --maxprocesses 4 --dist worksteal

# The adapter's first: its Ray is a user's own, without what a study has set in the process by then.
RAY_TESTS := tests/search_spaces/adapters/test_ray_adapter.py tests/study/cluster tests/study/running tests/study/faults

.PHONY: study test test-slow test-core test-spaces test-reports test-lowest test-ray check docs clean

study: $(VENV)/.installed-run  ## a first study on the embedded docstrings, and its report
	$(BIN)/study run quick

test: $(VENV)/.installed-check  ## the fast tests, one real study through Ray among them
	$(BIN)/pytest $(SIDE_BY_SIDE)

test-slow: $(VENV)/.installed-check  ## the slow tests
	$(BIN)/pytest -m slow $(SIDE_BY_SIDE)

test-core: test-spaces test-reports  ## each package where no more is installed than it asks for

test-spaces: .venv-spaces/.installed  ## search_spaces on NumPy, PyYAML and Optuna
	.venv-spaces/bin/pytest tests/search_spaces

test-reports: .venv-reports/.installed  ## analysis where nothing can be trained
	.venv-reports/bin/pytest tests/analysis $(SIDE_BY_SIDE)

test-lowest: .venv-lowest/.installed  ## the fast tests with the lowest releases that pyproject.toml allows
	.venv-lowest/bin/pytest $(SIDE_BY_SIDE)

test-ray: .venv-ray-$(RAY)/.installed  ## fast and slow tests of what Ray does, with another release of it: RAY=2.52
	.venv-ray-$(RAY)/bin/pytest -m "slow or not slow" $(RAY_TESTS)

docs: $(VENV)/.installed-check  ## the pages of docs/ as a site in build/site; a link that leads nowhere is an error
	NO_MKDOCS_2_WARNING=1 PATH="$(CURDIR)/$(BIN):$$PATH" mkdocs build --quiet --strict

check: docs  ## lint, formatting, types, layers, dead and duplicate code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/pylint analysis search_spaces study

clean:  ## everything that can be made again, but no study
	rm -rf .venv .venv-spaces .venv-reports .venv-lowest .venv-ray-* build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-run: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[run]"
	touch $@

$(VENV)/.installed-check: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[run,check]"
	touch $@ $(VENV)/.installed-run

# Before anything else is there, what an install without extras brings has to do.
.venv-spaces/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv-spaces
	.venv-spaces/bin/python -m pip install --quiet --constraint constraints.txt --editable .
	.venv-spaces/bin/python -c "import search_spaces, analysis, study"
	.venv-spaces/bin/python -m search_spaces tests/search_spaces/published/wandb.yaml --to yaml > /dev/null
	.venv-spaces/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[optuna]" cmaes hypothesis pytest rich
	touch $@

.venv-reports/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-reports
	.venv-reports/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[report,test]" scikit-learn
	touch $@

# What is named here at its lowest; what that needs in turn as it comes.
.venv-lowest/.installed: pyproject.toml
	$(PYTHON) -m venv --clear .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet uv
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable ".[run,check]"
	touch $@

# All as pinned but Ray.
.venv-ray-%/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-ray-$*
	sed '/^ray[=[]/d' constraints.txt > .venv-ray-$*/constraints.txt
	.venv-ray-$*/bin/python -m pip install --quiet --constraint .venv-ray-$*/constraints.txt --editable ".[run,check]" "ray[tune]==$*.*"
	touch $@

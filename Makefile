# Every verb sets up what it needs and is fast the second time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := .make/installed

.PHONY: help setup run demo check fix test bench lab soak docs clean

help:
	@echo "make demo    a small network on loopback with faults in it; the API on http://127.0.0.1:7070"
	@echo "make run     a node with the settings of nocarrier.toml, if there is one"
	@echo "make check   format, lint, types, import contracts, docs that lag behind the code"
	@echo "make test    all tests (as root on Linux also those with network namespaces)"
	@echo "make bench   measurements, as ratios against baselines of the same run"
	@echo "make lab     the doctor against real faults in network namespaces (root, Linux); LAB='NAME ...' for some"
	@echo "make soak    ten minutes of churn in a five-node mesh"
	@echo "make fix     format and repair what can be repaired; make docs regenerates the reference"

setup: $(STAMP)

$(STAMP): pyproject.toml requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "nocarrier needs Python 3.11 or newer; set PYTHON=python3.11"; exit 1; }
	@echo "setting up $(VENV) (once, and again when the list of packages changes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e '.[node]'
	@mkdir -p .make && touch $(STAMP)

run: $(STAMP)
	@$(BIN)/nocarrier run $(if $(wildcard nocarrier.toml),--config nocarrier.toml)

demo: $(STAMP)
	@$(BIN)/nocarrier demo

check: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python tools/check_core_is_stdlib_only.py
	@$(BIN)/python tools/generate_reference.py --check

fix: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(STAMP)
	@$(BIN)/python tools/generate_reference.py

test: $(STAMP)
	@tools/install_test_programs
	@$(BIN)/python -m pytest -n 4 --dist worksteal -q

bench: $(STAMP)
	@$(BIN)/python -m bench

lab: $(STAMP)
	@tools/install_test_programs
	@$(BIN)/python -m lab $(LAB)

soak: $(STAMP)
	@$(BIN)/python tools/soak.py

clean:
	rm -rf $(VENV) .make .mypy_cache .ruff_cache .hypothesis

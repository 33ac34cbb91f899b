# Every target sets up what it needs and is fast the second time.
.NOTPARALLEL:
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check
# Touched when pip has installed a list from requirements/; deleting .venv starts from scratch.
RUN := $(VENV)/.run
DEVELOP := $(VENV)/.develop

PAGE := src/nocarrier/web/page/built/index.html
PAGE_SOURCES := $(shell find dashboard/src dashboard/public -type f 2>/dev/null) dashboard/index.html dashboard/vite.config.ts
# npm ci empties node_modules, and with it these: the tools to build the page, and all tools to check and test it too.
PAGE_PACKAGES := dashboard/node_modules/.build
PAGE_TOOLS := dashboard/node_modules/.develop
# Most tests mostly wait.
JOBS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')

NPM := npm --loglevel=error --no-audit --no-fund

# If the machine has no Node.js that is new enough, a Python package installs one into .venv.
ifneq ($(shell command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split("."); console.log(a > 20 || (a == 20 && b >= 19))' 2>/dev/null),true)
NODE_JS := $(VENV)/.node-js
export PATH := $(abspath $(BIN)):$(PATH)
endif

.PHONY: help setup page check-page test-page run demo check fix test test-speed test-pythons coverage bench lab soak docs lock clean

help:
	@echo "make demo    a small network on loopback with faults in it; page and API on http://127.0.0.1:7070"
	@echo "make run     a node with the settings of nocarrier.toml, if there is one"
	@echo "make check   format, lint, spelling, types, dead code, import contracts, sizes and names, stale docs"
	@echo "make test    all tests (as root on Linux also those with network namespaces)"
	@echo "make test-speed    tests that need an idle machine"
	@echo "make coverage      all tests, and how much of the code they run; that must not fall"
	@echo "make test-pythons  all tests on every Python from 3.11 to 3.13 that this machine has"
	@echo "make bench   benchmarks, compared with baselines measured in the same run"
	@echo "make lab     the doctor against real faults in network namespaces (root, Linux); LAB='NAME ...' runs only those"
	@echo "make soak    ten minutes of churn in a mesh of five nodes (root, Linux)"
	@echo "make fix     format, and fix what can be fixed; make docs regenerates the reference and the types of the page"
	@echo "make lock    bring requirements/ up to date with pyproject.toml; UPGRADE=1 uses the newest versions"

setup: $(DEVELOP) $(PAGE_TOOLS) page

$(RUN): pyproject.toml requirements/run.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "nocarrier needs Python 3.11 or newer; set PYTHON=python3.11"; exit 1; }
	@echo "Installing into $(VENV) what nocarrier needs to run (only once, and when the list changes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@$(INSTALL) --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(DEVELOP): $(RUN) requirements/dev.txt
	@echo "Installing into $(VENV) what its developers need (only once, and when the list changes)"
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.node-js: $(RUN) requirements/node-js.txt
	@echo "Installing Node.js into $(VENV) to build the page: this machine has no version 20.19 or newer"
	@$(INSTALL) --require-hashes -r requirements/node-js.txt
	@touch $@

page: $(PAGE)

$(PAGE_PACKAGES): dashboard/package.json dashboard/package-lock.json $(NODE_JS)
	@echo "Installing what is needed to build the page"
	@cd dashboard && $(NPM) ci --omit=dev
	@touch $@

$(PAGE_TOOLS): dashboard/package.json dashboard/package-lock.json $(NODE_JS)
	@echo "Installing what is needed to build, check and test the page"
	@cd dashboard && $(NPM) ci
	@touch $(PAGE_PACKAGES) $@

$(PAGE): $(PAGE_PACKAGES) $(PAGE_SOURCES)
	@echo "Building the page (only once, and when its sources change)"
	@cd dashboard && $(NPM) run build --silent
	@touch $@

check-page: $(PAGE_TOOLS)
	@cd dashboard && $(NPM) run check --silent

test-page: $(PAGE_TOOLS) $(PAGE)
	@cd dashboard && $(NPM) test --silent

# A node without its page is still a node.
define or-without-page
@$(MAKE) --no-print-directory page || echo "!! The page could not be built; the reason is above. Everything else works." >&2
endef

run: $(RUN)
	$(or-without-page)
	@$(BIN)/nocarrier run $(if $(wildcard nocarrier.toml),--config nocarrier.toml)

demo: $(RUN)
	$(or-without-page)
	@$(BIN)/nocarrier demo

check: $(DEVELOP) check-page
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/codespell
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python tools/check_core_is_stdlib_only.py
	@$(BIN)/python tools/check_shape.py
	@$(BIN)/python tools/check_dead_code.py
	@$(BIN)/python tools/generate_reference.py --check

# Formatting first: it shortens lines that the check would stop at.
fix: $(DEVELOP)
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(DEVELOP)
	@$(BIN)/python tools/generate_reference.py

test: $(DEVELOP) test-page
	@tools/install_test_programs
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

test-speed: $(DEVELOP) $(PAGE)
	@$(BIN)/python -m pytest -m speed

coverage: $(DEVELOP) $(PAGE)
	@tools/install_test_programs
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --cov --cov-report=term:skip-covered
	@$(BIN)/python tools/check_coverage.py

test-pythons: $(DEVELOP) $(PAGE)
	@tools/install_test_programs
	@tools/test_pythons

bench: $(DEVELOP) page
	@tools/install_test_programs
	@$(BIN)/python -m bench

lab: $(DEVELOP)
	@tools/install_test_programs
	@$(BIN)/python -m lab $(LAB)

lock: $(DEVELOP)
	@tools/lock_requirements $(if $(UPGRADE),--upgrade)

soak: $(DEVELOP)
	@$(BIN)/python -m tools.soak

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis dashboard/node_modules src/nocarrier/web/page/built

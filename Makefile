# Every verb sets up what it needs and is fast the second time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := .make/installed

PAGE := src/nocarrier/web/page/built/index.html
PAGE_SOURCES := $(shell find dashboard/src dashboard/public -type f 2>/dev/null) dashboard/index.html dashboard/vite.config.ts
PAGE_PACKAGES := dashboard/node_modules/.package-lock.json
NODE := $(shell command -v npm >/dev/null && node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null && echo yes)

.PHONY: help setup page check-page test-page run demo check fix test bench lab soak docs clean

help:
	@echo "make demo    a small network on loopback with faults in it; page and API on http://127.0.0.1:7070"
	@echo "make run     a node with the settings of nocarrier.toml, if there is one"
	@echo "make check   format, lint, types, import contracts, sizes and names, docs that lag behind the code"
	@echo "make test    all tests (as root on Linux also those with network namespaces)"
	@echo "make bench   measurements, as ratios against baselines of the same run"
	@echo "make lab     the doctor against real faults in network namespaces (root, Linux); LAB='NAME ...' for some"
	@echo "make soak    ten minutes of churn in a five-node mesh"
	@echo "make fix     format and repair what can be repaired; make docs regenerates the reference and the types of the page"

setup: $(STAMP) page

$(STAMP): pyproject.toml requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "nocarrier needs Python 3.11 or newer; set PYTHON=python3.11"; exit 1; }
	@echo "setting up $(VENV) (once, and again when the list of packages changes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e '.[node,otel]'
	@mkdir -p .make && touch $(STAMP)

# Without Node.js everything but the page works; / says how to build it.
ifdef NODE
page: $(PAGE)

check-page: $(PAGE_PACKAGES)
	@cd dashboard && npm run check --silent

test-page: $(PAGE)
	@cd dashboard && npm test --silent
else
page check-page test-page:
	@echo "!! no Node.js 20 or newer with npm: $@ is SKIPPED" >&2
endif

$(PAGE_PACKAGES): dashboard/package.json dashboard/package-lock.json
	@cd dashboard && npm ci --silent --no-audit --no-fund
	@touch $@

$(PAGE): $(PAGE_PACKAGES) $(PAGE_SOURCES)
	@echo "building the page (once, and again when its sources change)"
	@cd dashboard && npm run build --silent
	@touch $@

run: $(STAMP) page
	@$(BIN)/nocarrier run $(if $(wildcard nocarrier.toml),--config nocarrier.toml)

demo: $(STAMP) page
	@$(BIN)/nocarrier demo

check: $(STAMP) check-page
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python tools/check_core_is_stdlib_only.py
	@$(BIN)/python tools/check_shape.py
	@$(BIN)/python tools/generate_reference.py --check

fix: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(STAMP)
	@$(BIN)/python tools/generate_reference.py

test: $(STAMP) test-page
	@tools/install_test_programs
	@$(BIN)/python -m pytest -n 4 --dist worksteal -q

bench: $(STAMP) page
	@tools/install_test_programs
	@$(BIN)/python -m bench

lab: $(STAMP)
	@tools/install_test_programs
	@$(BIN)/python -m lab $(LAB)

soak: $(STAMP)
	@$(BIN)/python -m tools.soak

clean:
	rm -rf $(VENV) .make .mypy_cache .ruff_cache .hypothesis dashboard/node_modules src/nocarrier/web/page/built

# `make demo` and `make test` do all set-up on a fresh machine; see README.md.
PYTHON ?= python3
BIN := .venv/bin
ONLY ?=

.PHONY: demo test check bench build docs lock clean

demo: .venv/.run
	$(BIN)/firmly demo

# A file's tests stay together: they share servers. Faults come first: they take longest, and the rest fills in. The
# browser's tests have processes of their own: Playwright keeps an event loop running in each. What says in seconds when
# a visit is seen runs alone.
test: .venv/.dev .venv/.machine
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --ignore tests/browser
	$(BIN)/python -m pytest tests/browser/test_first_light.py
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder tests/browser --ignore tests/browser/test_first_light.py

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev .venv/.machine
	$(BIN)/python -m benchmarks $(ONLY)

build: .venv/.dev
	cd snippet && npm ci && npm run build
	$(BIN)/python -m hatchling build -d dist

docs: .venv/.dev
	$(BIN)/firmly settings --markdown > docs/SETTINGS.md

# The environment: uv where there is one, else venv and pip; every file pinned by its hash.
.venv/.run: requirements/run.lock pyproject.toml
	PYTHON=$(PYTHON) scripts/environment run
.venv/.dev: requirements/dev.lock pyproject.toml
	PYTHON=$(PYTHON) scripts/environment dev
# What the tests need of the machine: a browser, and nginx and systemd's checks on Debian as root.
.venv/.machine: scripts/machine .venv/.dev
	scripts/machine

lock: .venv/.dev
	cd requirements && for set in run dev; do \
	  ../$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate ../pyproject.toml $$set.in -o $$set.lock; done

clean:
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis firmly-demo

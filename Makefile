# make run    boot a guest through virsh           make test           tests, 15 minutes at most
# make check  linters and tests                    make test-clients   the long runs with real clients
# make bench  figures beside the C daemon          make setup-tests    install what the tests can use

PYTHON := .venv/bin/python
WORKERS ?= 2
PYTEST := $(PYTHON) -m pytest -n $(WORKERS) --dist worksteal --durations 5

.PHONY: run test test-clients check lint bench docs setup setup-tests clean

run: setup
	@$(PYTHON) tools/demo.py

test: setup
	$(PYTEST) -m "not slow" tests

test-clients: setup
	$(PYTEST) -m slow tests

check: lint test

lint: setup
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache

bench: setup
	$(PYTHON) -m benchmarks

docs: setup
	$(PYTHON) -m pyvirtd.daemon.support >docs/support.md

setup:
	@tools/setup

setup-tests:
	@tools/setup --tests

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# The development environment is .venv: `make install` makes it.
PYTHON ?= .venv/bin/python

.PHONY: install run test lint types docs bench ci

install:
	python3 -m venv .venv
	.venv/bin/pip install -q -e '.[dev]'

run:
	$(PYTHON) -m cli --no-network --ticker PETR4.SA --format json

test:
	$(PYTHON) -m pytest

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy

docs:
	$(PYTHON) scripts/make_cli_docs.py
	$(PYTHON) scripts/make_api_docs.py
	$(PYTHON) scripts/make_configuration_docs.py
	$(PYTHON) scripts/make_schemas.py
	$(PYTHON) scripts/make_notebook.py

bench:
	$(PYTHON) -m tests.benchmarks

ci:
	bash .ci/run

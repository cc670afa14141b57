# make run, make test: each does its own set-up. Needs git, make and Python 3.11 or newer. make help lists the rest.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODEGEN := $(VENV)/codegen/bin/ariadne-codegen

.PHONY: help run test stack bench attack lint types docs client clean
.DEFAULT_GOAL := help

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(READY) ## Fill a demo account and serve; prints the URLs and the demo's key
	@$(BIN)/sightlog serve --demo --port $(PORT)

# The tests that kill and stop servers have times to keep, so nothing else runs beside them.
FAULTS := tests/faults

test: $(READY) ## Run all tests, or those that ARGS says
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	@status=0; set -x; \
	$(BIN)/python -m pytest -n 2 --dist loadgroup --ignore=$(FAULTS) || status=1; \
	$(BIN)/python -m pytest $(FAULTS) || status=1; \
	exit $$status
endif

stack: $(READY) ## Production on a laptop: PostgreSQL, Redis, S3, two API processes, two workers
	@$(BIN)/python -m tools.production

lint: $(READY) ## Check the style with ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## Check the types with mypy --strict
	$(BIN)/mypy

docs: $(READY) ## Write what is made from the code: graphql_schema/schema.graphql and the tables of the docs
	$(BIN)/python -m tools.docs
	$(BIN)/python -c "from graphql_schema.schema import schema; print(schema.as_str())" > graphql_schema/schema.graphql

client: $(READY) ## Write client/sightlog/api, from the client's documents and the schema
	@test -x $(CODEGEN) || { $(PYTHON) -m venv $(VENV)/codegen && $(VENV)/codegen/bin/python -m pip install --quiet --disable-pip-version-check "ariadne-codegen>=0.19,<0.20"; }
	$(BIN)/python -m tools.operations $(CODEGEN)

$(READY): pyproject.toml client/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Sightlog needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Installing Sightlog and what it needs into $(VENV): a minute or two, once …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable client --editable . --group dev --group browser
	@touch $@
	@echo "Installed."

clean: ## Remove what the others have made, but not the data
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

bench: $(READY) ## Measure, beside what the database could do; prints a table
	$(BIN)/python -m benchmarks $(ARGS)

attack: $(READY) ## Measure what one caller can cost the others; prints a table
	$(BIN)/python -m benchmarks.attack $(ARGS)

# Each target sets up what it needs. `make demo` and `make test` are the two to know.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
WORKERS ?= auto
# They wait for containers more than they work.
ENGINE_WORKERS ?= 4

.PHONY: help demo test lint format golden schemas bench engines oldest-engine containerd-engine crash clean

help:
	@echo "make demo     see a release go through to production, drift, come back"
	@echo "make test     every suite that needs no root"
	@echo "make lint     style, types, layers, unused code and packages"
	@echo "make engines  the suites on a real engine, Swarm, cluster and registries (starts them; needs root and Debian)"
	@echo "make oldest-engine  the suites marked for it on Docker 20.10, beside what else runs"
	@echo "make containerd-engine  the suites marked for it on an engine with the containerd image store"
	@echo "make crash    many random kills (KILLS=200)"
	@echo "make bench    speed beside peers: a table and JSON"
	@echo "make golden   write the golden files anew; read the difference before you commit it"
	@echo "make schemas  write the JSON Schemas of the documents and the tables of errors and Compose words anew"

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.run

$(VENV)/.peers: $(VENV)/.dev
	$(INSTALL) --editable '.[peers]'
	@touch $@

demo: $(VENV)/.run
	@sh docs/demo.sh $(BIN)/release

test: $(VENV)/.dev
	$(BIN)/pytest -q -n $(WORKERS) -m "not engines"

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/vulture

engines: $(VENV)/.peers
	tests/testbed/testbed up
	eval "$$(tests/testbed/testbed env)" && REQUIRE_ENGINES=1 $(BIN)/pytest -q -n $(ENGINE_WORKERS) -m "engines and not containerd_alone"

oldest-engine: $(VENV)/.dev
	TESTBED_ENGINE=20.10 tests/testbed/testbed apart sh -c 'tests/testbed/testbed up engine registry private-registry ssh && \
		eval "$$(tests/testbed/testbed env)" && REQUIRE_ENGINES=1 $(BIN)/pytest -q -n $(ENGINE_WORKERS) -m oldest'

containerd-engine: $(VENV)/.dev
	TESTBED_ENGINE=26.1-containerd tests/testbed/testbed apart sh -c 'tests/testbed/testbed up engine registry private-registry ssh build-container && \
		eval "$$(tests/testbed/testbed env)" && REQUIRE_ENGINES=1 $(BIN)/pytest -q -n $(ENGINE_WORKERS) -m "oldest or containerd or containerd_alone"'

crash: $(VENV)/.dev
	$(BIN)/pytest -q -m "crash and not engines" -k random --kills $${KILLS:-200}

bench: $(VENV)/.peers
	$(BIN)/python -m bench

golden: $(VENV)/.dev
	$(BIN)/pytest -q -n $(WORKERS) -m "not engines" --update-golden

schemas: $(VENV)/.dev
	$(BIN)/python -m releaser.cli.reference

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

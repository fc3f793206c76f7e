# `make` sets up .venv from requirements.lock and runs the default experiment; `make test` sets up the same and tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORES ?= all
WORKERS ?= 3
READY := $(VENV)/.ready

.PHONY: run test faults lint format lock written clean

run: $(READY)
	. $(BIN)/activate && snakemake --cores $(CORES)
	@echo "Barcodes, TO-scores and figures are in results/: open results/report.html"

test: $(READY)
	. $(BIN)/activate && pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

# About an hour, as root, with the SLURM of the tests: python3 tests/support/slurm/cluster.py install
faults: $(READY)
	python3 tests/support/slurm/cluster.py start --cpus 4
	. $(BIN)/activate && PYTHONPATH=src:tests python -m support.faults --folder /var/tmp/lossbars-faults --workers 3 --table docs/faults.md
	python3 tests/support/slurm/cluster.py stop

lint: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile rules
	. $(BIN)/activate && snakemake --lint

format: $(READY)
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

# Compiled once, here: each job starts two or three Pythons, and some machines keep no bytecode of their own accord.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "lossbars needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	awk '/^uv==/ {found = 1} found {print} found && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(READY)

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra workflow --extra dev -o requirements.lock pyproject.toml

# What is made from other files of the checkout; tests compare them.
written: $(READY)
	LOSSBARS_WRITE_DOCS=1 $(BIN)/pytest tests/documents/test_environment.py tests/documents/test_budget.py -k "made_from or documents_say"

clean:
	rm -rf results .checkpoints .snakemake

# Each target works in a fresh clone on a machine with Python 3.11 and make: the first one
# creates .venv and installs the pinned environment there.
PYTHON ?= python3.11
VENV   := .venv
STAMP  := $(VENV)/installed
PYTEST ?= pytest -n auto --dist loadfile

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export OMP_NUM_THREADS ?= 1

.PHONY: demo test check lint bench clean

demo: $(STAMP)
	@sh samples/demo.sh

test: lint
	$(PYTEST)

check: lint
	$(PYTEST) -m "not slow"

lint: $(STAMP)
	ruff format --check --quiet
	ruff check --quiet
	mypy
	lint-imports --no-logo

bench: $(STAMP)
	python -m pip install -qq -c constraints.txt -e ".[zoo]"
	python -m benchmarks
	python -m benchmarks.zoo

clean:
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) is not installed (another one: make PYTHON=/path/to/python)" >&2; exit 1; }
	@test -x $(VENV)/bin/python || { echo "Creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing PyTorch, TensorFlow, MXNet and ONNX Runtime into $(VENV): 3 GB, some minutes"
	@$(VENV)/bin/python -m pip install -qq -c constraints.txt -e ".[all,data,dev]"
	@$(VENV)/bin/python -m compileall -qq dsl compiler codegen backends tercet $(VENV)/lib/*/site-packages/lark
	@touch $@

# make quickstart   set up, run specs/phase3.yaml from data to a verdict, say where the reports lie
# make setup        .venv with everything, pinned
# make check        format, lint, types, import contracts, fast tests: three to five minutes
# make test         make check, then all other tests, with the real engines
# make audit        ask the databases of known holes for what is pinned; needs the network
# make lock         pin anew what pyproject.toml asks for
PYTHON ?= python3
# uv does not read pip's settings. Where no CPU build of torch is offered there: make lock BACKEND="--torch-backend cpu"
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
BACKEND ?=
BIN := .venv/bin
# Tests are kept compiled, whatever the user has set: each of eight processes collects all of them.
check test: export PYTHONDONTWRITEBYTECODE =
UV := $(BIN)/uv
LOCK := $(UV) pip compile pyproject.toml --quiet --no-header --no-emit-index-url --no-emit-find-links --no-annotate --extra dev --upgrade

.PHONY: quickstart setup check test audit lock clean

quickstart: setup
	@$(BIN)/ryot apply specs/phase3.yaml; code=$$?; \
	case $$code in \
	  0|1|5) echo "A verdict was reached (apply ended with $$code: 0 achieved, 1 a target FAILs, 5 one is not shown)." ;; \
	  *) echo "No verdict was reached (apply ended with $$code)." >&2; exit $$code ;; \
	esac

setup:
	@$(PYTHON) requirements/setup.py

check: setup
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q -n 2 -m "not heavy and not e2e"

test: check
	$(BIN)/python -m pytest -q -n 3 -m "heavy and not e2e"
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m e2e

# In an environment of its own: what the auditor needs is not among what it looks at. `+cpu` is no version that a database knows.
audit: setup
	for lock in cpu cuda; do \
	  sed 's/+cpu$$//' requirements/$$lock.lock > .venv/$$lock.audit || exit 1; \
	  $(UV) tool run pip-audit --no-deps --disable-pip --requirement .venv/$$lock.audit || exit 1; \
	done

lock: setup
	$(LOCK) $(BACKEND) --extra cpu --override requirements/cpu-overrides.txt --constraint requirements/cpu-constraints.txt --python-version 3.11 -o requirements/cpu.lock
	$(LOCK) --extra cuda --override requirements/cuda-overrides.txt --python-version 3.11 --python-platform x86_64-manylinux_2_28 -o requirements/cuda.lock

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache

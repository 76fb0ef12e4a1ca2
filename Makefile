# Everything goes through the virtual environment in .venv; the first target that needs it makes it.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: dev browser test test-deep coverage mutants lint audit format docs picture check demo bench bench-check clean

dev: .venv/.stamp

.venv/.stamp: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lcvsync needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

# For tests/browser. Where it is missing and can't be installed, these tests are skipped with their reason.
browser:
	@have() { command -v chromium && command -v chromedriver; } >/dev/null; have && exit; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  export DEBIAN_FRONTEND=noninteractive; get="apt-get -qq -o DPkg::Lock::Timeout=120"; \
	  $$get update && $$get install -y --no-install-recommends chromium chromium-driver fonts-dejavu-core >/dev/null; \
	fi; \
	have || echo "no Chromium, and it can't be installed: the tests in tests/browser are skipped" >&2

# Hundreds of small databases that sync to the disk: in memory where the system has such a place.
export PYTEST_DEBUG_TEMPROOT := $(wildcard /dev/shm)

test: dev browser
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not deep' $(ARGS)

test-deep: dev browser
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

# How much of the rules, the plan, the run and the state `make test` reaches, branches too.
coverage: dev browser
	$(BIN)/python -m coverage run -m pytest -q -n0 -m 'not deep' $(ARGS)
	$(BIN)/python -m coverage report

# Which changes to the rules and the plan neither mypy nor their tests notice: hours, or ARGS='lcvsync.planning.undo.*'.
# Then: .venv/bin/mutmut browse
mutants: dev
	$(BIN)/python -m pip install --quiet --group mutants
	HYPOTHESIS_PROFILE=mutants $(BIN)/mutmut run $(ARGS)
	$(BIN)/mutmut results --all true | sed 's/.*: //' | sort | uniq -c

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Known vulnerabilities of what lcvsync needs to run; on a machine without the data says so.
audit: dev
	-@$(BIN)/python -m pip install --quiet --retries 0 --timeout 5 --group audit
	@$(BIN)/python packaging/audit.py

format: dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: dev
	$(BIN)/python docs/generate.py

picture: dev
	$(BIN)/python docs/picture.py

check: test lint audit

demo: dev
	$(BIN)/lcvsync demo $(ARGS)

bench: dev
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m benchmarks $(ARGS)

# Requests alone: they are the same on every machine.
bench-check: dev
	$(BIN)/python -m benchmarks.check $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis build dist .demo mutants

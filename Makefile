PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HALF := tests/docker tests/shop tests/tui
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test test-half test-other-half test-catalogue meshes podman reloads accidents log-outages browser check fuzz bench screenshots soak clean

demo: $(VENV)/.hello  ## a live mesh, no Docker needed
	$(BIN)/devbox up -f profiles/hello/devbox.yaml

test: $(VENV)/.dev  ## every test that CI runs, in two halves beside each other: one waits while the other computes
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line --keep-going test-half test-other-half

test-half: $(VENV)/.dev
	$(BIN)/python -m pytest -p no:cacheprovider $(HALF)

test-other-half: $(VENV)/.dev
	$(BIN)/python -m pytest -p no:cacheprovider $(HALF:%=--ignore=%)

test-catalogue: $(VENV)/.catalogue  ## every server of the catalogue that can be had, booted and spoken to; WHICH="redis or kafka" some
	$(BIN)/python -m pytest tests/catalogue --durations=0 $(if $(WHICH),-k "$(WHICH)")

meshes: $(VENV)/.dev  ## every mesh of tests/meshes on a real engine
	$(BIN)/python -m pytest tests/meshes

podman: $(VENV)/.dev  ## a mesh on Podman's Docker-compatible socket; installs Podman on Debian
	$(BIN)/python -m pytest tests/podman

browser: $(VENV)/.dev  ## `devbox serve` in headless Chromium; makes screenshots/browser.png
	$(BIN)/python -m pytest tests/browser/serve_in_chromium.py

soak: $(VENV)/.dev  ## a hundred rounds of up and down; supervisors killed and Ctrl-C pressed fifty times at random moments
	STORM_TRIES=50 $(BIN)/python -m pytest tests/docker/test_storm.py tests/engine/test_leaks.py

reloads: $(VENV)/.dev  ## fifty green reloads of a process and of a container under 200 requests a second; 10,000 files at once
	DEVBOX_TEST_RELOADS=50 DEVBOX_TEST_FILES=10000 $(BIN)/python -m pytest tests/engine/test_green.py \
	  tests/engine/test_watch.py tests/docker/test_green.py -k "no_request_fails or a_thousand_files or dropped"

accidents: $(VENV)/.dev  ## what can befall a mesh, staged: `devbox why` names it first
	$(BIN)/python -m pytest -v tests/engine/test_why.py tests/docker/test_why.py tests/docker/test_outages.py

log-outages: $(VENV)/.dev  ## an engine that ends and restarts while a container prints 100,000 lines: none lost, none twice
	$(BIN)/python -m pytest -v tests/docker/log_outages.py

check: $(VENV)/.dev  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/unit/test_imports.py

fuzz: $(VENV)/.dev  ## manifests that something happened to, for four minutes; FUZZ="--seed 2" others
	$(BIN)/python -m tests.fuzz $(FUZZ)

bench: $(VENV)/.dev  ## what devbox is measured by; fails where a figure is over its limit
	$(BIN)/python -m bench

screenshots: $(VENV)/.dev  ## screenshots/, from the real program on the hello mesh and on the shop (needs an engine)
	$(BIN)/python -m screenshots.make

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "devbox needs Python 3.11 or later; $(PYTHON) is not. Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.hello: requirements/hello.txt pyproject.toml | $(BIN)/python
	@echo "installing what devbox and its demo need into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements/hello.txt
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.hello
	@echo "installing what its tests need into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.catalogue: requirements/catalogue.txt tests/catalogue/package-lock.json $(VENV)/.dev
	@echo "installing clients and servers of the catalogue into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements/catalogue.txt
	@mkdir -p $(VENV)/npm && cp tests/catalogue/package.json tests/catalogue/package-lock.json $(VENV)/npm
	@npm ci --silent --no-fund --no-audit --prefix $(VENV)/npm
	@touch $@

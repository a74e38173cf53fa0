# Everything a developer or CI needs; `make` alone lists it. Each target installs what it needs into .venv first.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo test coverage check lint types layers drawings diagrams compiled test-compiled bench screenshots soak fuzz tools image clean

# The first Python of 3.11 or newer; looked for only when .venv has to be made.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
IMAGE ?= bluegreen-proxy
BUILDAH ?= buildah

BIN := .venv/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check install --constraint requirements/lock.txt
# Stamps: touched when .venv holds what `run` needs, and what development needs on top. One rests on the other, so that
# two of them are never installed at the same time.
RUN_VENV := .venv/.stamp-run
DEV_VENV := .venv/.stamp-dev
# Tests of the whole program fill a machine by themselves, and weigh what they started: they run one after the other,
# but for those that keep a steady pace, of which three fit.
# The others wait a little now and then, so there is one process more than there are CPUs.
SIDE_BY_SIDE := --numprocesses $(shell n=$$(nproc); echo $$((n < 3 ? n + 1 : 4))) --dist worksteal
# An environment with the compiled wheel, which finds everything else in .venv. The source tree comes last on its path,
# for the tests that are run in it: what is imported as `proxy` is what the wheel holds.
COMPILED := build/compiled
COMPILED_TESTS := $(addprefix tests/,http1 traffic shm ipc upstream dataplane wire fuzz test_compiled.py)
SITE_PACKAGES = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

help:  ## List the targets
	@sed -n 's/^\([a-z-]*\):.*##  */\1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: $(RUN_VENV)  ## Front door on 8080, admin on 9000, two blue and two green demo apps, until Ctrl-C
	@exec $(BIN)/bluegreen demo

demo: $(RUN_VENV)  ## The same with a load, a switch, a rollback and a shift; ends by itself
	@exec $(BIN)/bluegreen demo --once

test: $(DEV_VENV) tools  ## All tests
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) --ignore=tests/system
	@$(BIN)/python -m pytest tests/system -m paced --numprocesses 3 --dist loadgroup
	@$(BIN)/python -m pytest tests/system -m "not paced"

# Counting every line takes half as long again, so it is no part of what everybody runs.
coverage: $(DEV_VENV) tools  ## All tests but the paced ones, which lines they run, and whether those are enough
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) --ignore=tests/system --cov --cov-report= --cov-fail-under=0
	@$(BIN)/python -m pytest tests/system -m "not paced" --cov --cov-append --cov-report=term

check: lint types layers drawings  ## Lint, types, which module may import which, and whether the pictures are true

lint: $(DEV_VENV)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: run $(BIN)/ruff format" >&2; exit 1; }

types: $(DEV_VENV)
	@$(BIN)/mypy --no-error-summary

layers: $(DEV_VENV)
	@$(BIN)/python -m pytest --quiet --no-header tests/test_layers.py

drawings: $(DEV_VENV)
	@$(BIN)/python scripts/draw-stages --check
	@$(BIN)/python scripts/draw-dashboard --check

diagrams: $(DEV_VENV)  ## Draw the stages of rolling deployments into docs/rolling.md, and the dashboard of Grafana
	@$(BIN)/python scripts/draw-stages
	@$(BIN)/python scripts/draw-dashboard

compiled: $(COMPILED)/.stamp  ## The program with its hot path compiled: build/compiled/bin/bluegreen (needs a C compiler)

test-compiled: $(DEV_VENV) $(COMPILED)/.stamp  ## The tests of what is compiled, against the compiled program
	@PYTHONSAFEPATH=1 $(COMPILED)/bin/python -m pytest $(SIDE_BY_SIDE) --compiled --override-ini pythonpath= $(COMPILED_TESTS) --ignore=tests/traffic/judge --ignore=tests/traffic/rollout

bench: $(DEV_VENV)  ## CPU, latency and memory beside nginx, HAProxy and others (some 25 minutes); BENCH="--only small"
	@scripts/install-tools bench
	@$(MAKE) --silent compiled || echo "Without the compiled program: it could not be built." >&2
	@$(BIN)/python -m benchmarks.peers.prepare
	@benchmarks/.venv/bin/python benchmarks/bench_peers.py $(BENCH)

screenshots: $(DEV_VENV) tools  ## Take the pictures of the page anew: docs/images/
	@$(BIN)/python scripts/take-screenshots

soak: $(DEV_VENV)  ## The soak test at full length: 200,000 requests, 20,000 broken off, 5,000 WebSockets (some minutes)
	@BLUEGREEN_SOAK=1 $(BIN)/python -m pytest --quiet --no-header -rP tests/system/test_soak.py

fuzz: $(DEV_VENV)  ## Random requests and answers against a second parser, for SECONDS=600; SEED=n repeats a run
	@SECONDS=$(SECONDS) SEED=$(SEED) exec $(BIN)/python -m tests.fuzz.run

tools: $(RUN_VENV)  ## Install the programs that tests use and pip has not (Debian, as root; elsewhere it says what is missing)
	@scripts/install-tools

image:  ## Build the container image with buildah
	@command -v $(BUILDAH) >/dev/null || { echo "make image needs buildah (Debian: apt-get install buildah)" >&2; exit 1; }
	@$(BUILDAH) build --format docker --tag $(IMAGE) $(IMAGE_FLAGS) .

clean:  ## Remove caches and build output; .venv stays
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
	@find proxy tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(RUN_VENV): pyproject.toml requirements/lock.txt
	@test -n "$(PYTHON)" || { echo "bluegreen needs Python 3.11 or newer; none was found (set PYTHON=/path/to/python3)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(PIP) --editable .
	@touch $@

$(DEV_VENV): $(RUN_VENV)
	@$(PIP) --editable '.[dev,otlp]'
	@touch $@

# Built anew as a whole whenever any source has changed, so that nothing of an older one stays.
$(COMPILED)/.stamp: $(RUN_VENV) hatch_build.py $(shell find proxy -name '*.py')
	@scripts/find-compiler
	@rm -rf $(COMPILED) build/wheel
	@BLUEGREEN_COMPILE=1 PIP_CONSTRAINT=requirements/lock.txt PIP_BUILD_CONSTRAINT=requirements/lock.txt \
		$(BIN)/python -m pip -qq --disable-pip-version-check wheel --no-deps --wheel-dir build/wheel .
	@$(BIN)/python -m venv --without-pip $(COMPILED)
	@$(BIN)/python -m pip -qq --disable-pip-version-check --python $(COMPILED)/bin/python \
		install --no-deps build/wheel/*.whl
	@printf '%s\n' $(SITE_PACKAGES) $(CURDIR) >"$$($(COMPILED)/bin/python -c \
		'import sysconfig; print(sysconfig.get_path("purelib"))')/beside.pth"
	@touch $@

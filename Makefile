# The commands of the project. `make up` and `make down` are all that a user needs.
PYTHON ?= python3
HOME_  := $(or $(SLIPWAY_HOME),.slipway)
TOOLS  ?= $(or $(SLIPWAY_TOOLS),$(shell cat "$(HOME_)/tools-folder" 2>/dev/null),$(HOME_)/tools)
UV     := "$(or $(shell command -v uv),$(TOOLS)/uv/bin/uv)"
BIN    := .venv/bin
# Empty if .venv is this clone's: its stamp says so, if it has text, and what its interpreter
# imports is here. A copied or moved one leads to another clone, or to nowhere.
FOREIGN = $(shell here=$$(pwd -P); stamp=$$(cat .venv/.ready 2>/dev/null); \
          test "$${stamp:-$$here}" = "$$here" && cd / && test "$$here" = "$$("$$here/$(BIN)/python" -P -c \
          'import pathlib, slipway; print(pathlib.Path(slipway.__file__).parent.parent.resolve())' \
          2>/dev/null)" || echo foreign)
HAVE_UV = test -x $(UV) || { echo "uv (once)"; $(PYTHON) -m pip install --quiet \
          --root-user-action=ignore --require-hashes --target "$(TOOLS)/uv" \
          --requirement requirements-uv.lock; }
IMAGE  := infra/images/slipway
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url \
          --no-emit-find-links --python-version 3.11 --custom-compile-command "make lock"

PEERS   = $(basename $(wildcard benchmarks/serving/peers/*.in))

.PHONY: up down env foreign tools test test-cluster check format bench lock golden clean help
.DEFAULT_GOAL := help

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

up: env  ## the whole platform, with a trained model that answers
	@$(BIN)/slipway up

down: env  ## destroy all of it but the tool cache
	@$(BIN)/slipway down --yes

env: .venv/.ready  ## the Python environment, exactly as locked

.venv/.ready: requirements.lock pyproject.toml $(FOREIGN)
	@case "$$(pwd -P)" in *[:%]*) echo "make: $$(pwd -P), the folder of the project, has : or % in its path, which cannot be: move it to another" >&2; exit 1;; esac
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else f"make: Python 3.11 to 3.13 is needed and {sys.executable} is {v[0]}.{v[1]}: run make PYTHON=/path/to/another")'
	@echo "Environment (once; about 1.5 GB)"
	@$(HAVE_UV)
	@test -z "$(filter foreign,$^)" || rm -rf .venv
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@pwd -P >$@

tools: env  ## the tools the platform runs, found, downloaded or built
	@$(BIN)/slipway tools install

test: env tools  ## every test that needs no more than `make up` has brought
	@$(BIN)/pytest -n 2 -m "not cluster"

test-cluster: env  ## tests before a real API server; says what it skips and why
	@test -n "$$KUBEBUILDER_ASSETS" || $(BIN)/slipway tools install --for-tests || echo "Going on with what is here"
	@$(BIN)/pytest -n 0 -m cluster

check: env  ## lint, format and types, as CI and pre-commit run them
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: env  ## mend what a machine can mend
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: env tools  ## measure, and write docs/benchmarks.md
	@$(BIN)/python -m benchmarks

lock:  ## resolve the dependencies anew
	@$(HAVE_UV)
	@$(COMPILE) --all-extras --upgrade pyproject.toml --output-file requirements.lock
	@$(COMPILE) --extra train --extra serve --extra tracking --constraint requirements.lock \
		--excludes $(IMAGE)/excluded.txt pyproject.toml --output-file $(IMAGE)/requirements.lock
	@for peer in $(PEERS); do $(filter-out --generate-hashes,$(COMPILE)) --no-annotate --upgrade \
		$$peer.in --output-file $$peer.txt; done

clean: down  ## everything, the environment and the tool cache, too
	@rm -rf .venv .slipway

# The commands of the project. `make up` and `make down` are all that a user needs.
PYTHON ?= python3
HOME_  := $(or $(SLIPWAY_HOME),.slipway)
TOOLS  ?= $(or $(SLIPWAY_TOOLS),$(shell cat "$(HOME_)/tools-folder" 2>/dev/null),$(HOME_)/tools)
# Runs uv, which it brings where it is not there, with the package index that pip is told of.
UV      = $(PYTHON) -I slipway/toolchain/bootstrap.py \
          "$(or $(shell command -v uv),$(TOOLS)/uv/bin/uv)"
BIN    := .venv/bin
# Empty if .venv is this clone's: its stamp says so, if it has text, and what its interpreter
# imports is here. A copied or moved one leads to another clone, or to nowhere.
FOREIGN = $(shell here=$$(pwd -P); stamp=$$(cat .venv/.ready 2>/dev/null); \
          test "$${stamp:-$$here}" = "$$here" && cd / && test "$$here" = "$$("$$here/$(BIN)/python" -P -c \
          'import pathlib, slipway; print(pathlib.Path(slipway.__file__).parent.parent.resolve())' \
          2>/dev/null)" || echo foreign)
IMAGE  := infra/images/slipway
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url \
          --no-emit-find-links --python-version 3.11 --custom-compile-command "make lock" $(MOVED)
# Leaves out of a lock what another lock has.
BESIDE  = $$(sed -n 's/^\([a-z0-9._-]*\)==.*/--no-emit-package \1/p' $(1))

PEERS   = $(basename $(wildcard benchmarks/serving/peers/*.in))

.PHONY: up down env foreign tools test test-cluster check format bench lock locks upgrade reference \
        clean help
.DEFAULT_GOAL := help

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

up: env  ## the whole platform, with a trained model that answers
	@$(BIN)/slipway up

down: env  ## destroy all of it but the tool cache
	@$(BIN)/slipway down --yes

env: .venv/.ready  ## the Python environment, exactly as locked

.venv/.ready: requirements.lock requirements-own.lock pyproject.toml $(FOREIGN)
	@case "$$(pwd -P)" in *[:%]*) echo "make: $$(pwd -P), the folder of the project, has : or % in its path, which cannot be: move it to another" >&2; exit 1;; esac
	@echo "Environment (once; about 1.5 GB)"
	@$(UV) --version >/dev/null
	@test -z "$(filter foreign,$^)" || rm -rf .venv
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes \
		requirements.lock requirements-own.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(UV) pip check --quiet --python $(BIN)/python || { \
		echo "make: the locks do not fit together: run make lock"; exit 1; }
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

reference: env  ## write what is generated from the settings: their reference and schema
	@$(BIN)/python -m infra.settings.reference

lock: locks  ## take what pyproject.toml and requirements-own.in ask for into the locks; pins stay

upgrade: MOVED = $(if $(PACKAGE),--upgrade-package $(PACKAGE),--upgrade)
upgrade: locks  ## move the pins to what is newest: all, or with PACKAGE=name that one

# A fork's own locks hold what ours do not, and nothing of theirs moves ours.
locks:
	@$(COMPILE) --all-extras pyproject.toml --output-file requirements.lock
	@$(COMPILE) --extra train --extra serve --extra tracking --constraint requirements.lock \
		--excludes $(IMAGE)/excluded.txt pyproject.toml --output-file $(IMAGE)/requirements.lock
	@$(COMPILE) --no-annotate --constraint requirements.lock $(call BESIDE,requirements.lock) \
		requirements-own.in --output-file requirements-own.lock
	@$(COMPILE) --no-annotate --constraint requirements.lock --constraint requirements-own.lock \
		$(call BESIDE,$(IMAGE)/requirements.lock) \
		requirements-own.in --output-file $(IMAGE)/requirements-own.lock
	@for peer in $(PEERS); do $(filter-out --generate-hashes,$(COMPILE)) --no-annotate \
		$$peer.in --output-file $$peer.txt; done

clean: down  ## everything, the environment and the tool cache, too
	@rm -rf .venv .slipway

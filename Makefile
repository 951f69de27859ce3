# Cliplink on a developer's machine. `make` lists the commands.

PORT ?= 7071
SUB ?=
ROLES ?=
EMAIL ?=
TRIGGERS ?=
export PORT SUB ROLES EMAIL TRIGGERS

PYTHON := .venv/bin/python
ENVIRONMENT := .venv/.complete
EMULATOR := local/node_modules/.complete
CHECKOV := .venv/checkov/.complete
KUSTO := tests/infra/kusto/node_modules/.complete

# A process more than there are processors, as tests also wait; each has servers of its own, and
# runs whole files in their order.
PROCESSES := $(shell expr `getconf _NPROCESSORS_ONLN` + 1)
SIDE_BY_SIDE := --numprocesses $(PROCESSES) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help run services token sample test check infra bench clean installed

help: ## list all commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: $(ENVIRONMENT) $(EMULATOR) ## start Postgres, Azurite and the functions, until Ctrl-C (PORT=7071, optional TRIGGERS=program)
	@exec $(PYTHON) -m local run

services: $(ENVIRONMENT) $(EMULATOR) ## start everything but the functions, for use with Core Tools' `func start`
	@exec $(PYTHON) -m local services

token: $(ENVIRONMENT) ## print a bearer token (SUB=alice, optional ROLES=admin,... EMAIL=...)
	@exec $(PYTHON) -m local token --subject "$$SUB" --roles "$$ROLES" --email "$$EMAIL"

sample: $(ENVIRONMENT) ## write sample.mp4, a film of a few seconds
	@exec $(PYTHON) -m local.sample sample.mp4

test: ## run all tests, on a real Postgres and a real Azurite
	@$(MAKE) --no-print-directory --jobs=4 installed
	@exec $(PYTHON) -m pytest $(SIDE_BY_SIDE)

check: $(ENVIRONMENT) ## lint, format, strict types and import rules
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

infra: $(ENVIRONMENT) ## compile and evaluate the template for Azure, with Bicep (BICEP=path of the program)
	@exec $(PYTHON) -m infra.compiler

bench: $(ENVIRONMENT) $(EMULATOR) ## measure cold start, requests, ingest, cutting and links
	@exec $(PYTHON) -m bench

clean: ## delete local data, the environment and caches
	rm -rf .venv .local local/node_modules tests/infra/kusto/node_modules sample.mp4 poster.jpg clip.json .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

installed: $(ENVIRONMENT) $(EMULATOR) $(CHECKOV) $(KUSTO)
	@:

# What is printed here goes to standard error: standard output belongs to the commands.
$(PYTHON):
	@for python in python3.13 python3; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then \
	    "$$python" -m venv .venv && break; \
	  fi; \
	done; \
	test -x $(PYTHON) || { echo "Cliplink needs Python 3.13 (python3.13 or python3 on the PATH)" >&2; exit 1; }

# Python compiles what is imported; to compile everything takes longer than to install it.
INSTALL := install --quiet --disable-pip-version-check --no-compile

$(ENVIRONMENT): requirements.txt requirements-dev.txt constraints.txt | $(PYTHON)
	@$(PYTHON) -m pip $(INSTALL) -r requirements-dev.txt >&2
	@touch $@

# An environment of its own, inside the other: other packages cannot be used with the pins of checkov.
$(CHECKOV): infra/checkov-requirements.txt | $(PYTHON)
	@$(PYTHON) -m venv --without-pip .venv/checkov
	@$(PYTHON) -m pip --python .venv/checkov $(INSTALL) -r $< >&2
	@touch $@

$(EMULATOR) $(KUSTO): %/node_modules/.complete: %/package.json %/package-lock.json
	@command -v npm >/dev/null || { echo "Cliplink needs node 20 or newer, with npm, for Azurite" >&2; exit 1; }
	@cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
	@touch $@

# Every target sets itself up on a machine that has only python3 (3.11 or newer) and make.

PYTHON ?= python3
STACKS := $(sort $(patsubst Pulumi.%.yaml,%,$(wildcard Pulumi.*.yaml)))
RUN := .venv/bin/python

# The stamp's name carries the content it stands for: a changed requirements file asks for a stamp that does not exist yet.
SYNCED := .venv/.synced-$(firstword $(shell cksum requirements/dev.txt))
# Spark and the driver of a browser, 400 MB, for the tests of the lake's jobs and of pages; a rehearsal does without.
JOBS := .venv/.jobs-$(firstword $(shell cat requirements/dev.txt requirements/jobs.txt | cksum))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup packages format check test test-quick rehearse engine cost diff permissions graph bench docs docs-permissions docs-pictures docs-screenshots requirements upgrade clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{printf "%-22s %s\n", $$1, $$2}'
	@echo "Stacks: $(STACKS)"

setup: $(SYNCED) ## Create or update .venv (every other target does this by itself)
	@echo ".venv is up to date."

packages: $(SYNCED) ## Build what functions run, where it is missing or stale, into build/
	@$(RUN) -m packages

$(SYNCED):
	@command -v "$(PYTHON)" >/dev/null || { echo "Set-up failed: there is no $(PYTHON) on the PATH." >&2; exit 1; }
	@"$(PYTHON)" requirements/sync.py "$@"

$(JOBS): $(SYNCED)
	@"$(PYTHON)" requirements/sync.py "$@"

# A .venv whose interpreter has gone (an upgraded Python, a moved home) is set up again in spite of its stamp.
ifneq ($(shell test -x $(RUN) && echo there),there)
.PHONY: $(SYNCED)
endif

# A stack without functions needs no packages. (Functions create a database's extensions and a collection's indexes.)
WITH_FUNCTIONS := $(patsubst Pulumi.%.yaml,%,$(shell grep -lsE '^  kumiki:(functions|vectorCollections):|^    extensions:' Pulumi.*.yaml))

rehearse: $(SYNCED) $(if $(filter $(STACK),$(WITH_FUNCTIONS)),packages) ## Preview, deploy on an emulated AWS and judge: make rehearse STACK=dev [ARGS=--watch]
ifeq ($(STACK),)
	@echo "Say which stack: make rehearse STACK=<name>. There are: $(STACKS)" >&2; exit 2
else
	@$(RUN) -m kumiki rehearse "$(STACK)" $(ARGS)
endif

engine: $(SYNCED) packages ## Preview, update, refresh, destroy by the real Pulumi engine on an emulated AWS: make engine STACK=dev [ARGS=--keep]
ifeq ($(STACK),)
	@echo "Say which stack: make engine STACK=<name>. There are: $(STACKS)" >&2; exit 2
else
	@$(RUN) -m kumiki engine "$(STACK)" $(ARGS)
endif

cost: $(SYNCED) packages ## What a stack costs a month: make cost STACK=dev [ARGS="--profile large"]
ifeq ($(STACK),)
	@echo "Say which stack: make cost STACK=<name>. There are: $(STACKS)" >&2; exit 2
else
	@$(RUN) -m kumiki cost "$(STACK)" $(ARGS)
endif

diff: $(SYNCED) packages ## What a change would do, without credentials: make diff STACK=dev [AGAINST=main|state.json]
ifeq ($(STACK),)
	@echo "Say which stack: make diff STACK=<name>. There are: $(STACKS)" >&2; exit 2
else
	@$(RUN) -m kumiki diff "$(STACK)" $(if $(AGAINST),--against "$(AGAINST)") $(ARGS)
endif

permissions: $(SYNCED) packages ## What a stack's deployer must be allowed to do, as IAM policies: make permissions STACK=dev [ARGS="--json FILE"]
ifeq ($(STACK),)
	@echo "Say which stack: make permissions STACK=<name>. There are: $(STACKS)" >&2; exit 2
else
	@$(RUN) -m kumiki permissions "$(STACK)" $(if $(AGAINST),--against "$(AGAINST)") $(ARGS)
endif

graph: $(SYNCED) packages ## Draw a stack: make graph STACK=dev [ARGS="--svg FILE"]
ifeq ($(STACK),)
	@echo "Say which stack: make graph STACK=<name>. There are: $(STACKS)" >&2; exit 2
else
	@$(RUN) -m kumiki graph "$(STACK)" $(ARGS)
endif

# Only pytest can say whether a test that needs Spark or a browser is among those chosen.
test: $(SYNCED) packages ## Run the tests: make test [ARGS="-k vpc"]
	@if [ ! -e $(JOBS) ] && $(RUN) -m pytest --collect-only --quiet $(ARGS) | grep -e '^tests/workloads/jobs/' -e '^tests/pictures/test_browser' >/dev/null; then \
		$(MAKE) --no-print-directory $(JOBS); \
	fi
	@$(RUN) -m pytest --numprocesses auto $(ARGS)

test-quick: $(SYNCED) packages ## The tests that neither rehearse a program nor need Spark
	@$(RUN) -m pytest --numprocesses auto -m "not rehearsal and not spark" $(ARGS)

CHECKS := check-format check-lint check-types check-requirements check-docs check-delivery
.PHONY: $(CHECKS)
check: $(CHECKS) ## Formatting, lint, types, requirements, workflows and images, stale documents (make -k check shows every failure)
check-format: $(SYNCED)
	@$(RUN) -m ruff format --check .
check-lint: $(SYNCED)
	@$(RUN) -m ruff check .
check-types: $(SYNCED) $(JOBS)
	@$(RUN) -m basedpyright
check-requirements: $(SYNCED)
	@$(RUN) requirements/compile.py --check
check-delivery: $(SYNCED)
	@$(RUN) -m check_jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@.venv/bin/zizmor --offline --quiet --no-progress .github
	@.venv/bin/hadolint workloads/*/Dockerfile
	@.venv/bin/shellcheck workloads/*/*.sh .github/scripts/*.sh
	@$(RUN) -m check_jsonschema --quiet --builtin-schema vendor.compose-spec workloads/host/compose.yaml
check-docs: $(SYNCED) packages
	@$(RUN) docs/coverage.py --check
	@$(RUN) -m rehearsal.inventory --check
	@$(RUN) -m changes.catalogue --check
	@$(RUN) -m permissions.catalogue --check
	@$(RUN) -m settings.schema --check
	@$(RUN) docs/settings.py --check
	@$(RUN) docs/components.py --check
	@$(RUN) docs/readme.py --check
	@$(RUN) -m costs.crosscheck --check
	@cd policies && ../$(RUN) -c "from guardrails.catalogue import FILE, catalogue; \
		raise SystemExit(FILE.read_text() != catalogue() and 'docs/rules.md is stale: run \`make docs\`')"

format: $(SYNCED) ## Format the code and fix what lint can fix
	@$(RUN) -m ruff check --fix-only --quiet .
	@$(RUN) -m ruff format .

docs: $(SYNCED) packages ## Write the generated documents again
	@$(RUN) docs/coverage.py
	@$(RUN) -m rehearsal.inventory
	@$(RUN) -m changes.catalogue
	@$(RUN) -m settings.schema
	@$(RUN) docs/settings.py
	@$(RUN) docs/components.py
	@$(RUN) docs/readme.py
	@$(RUN) -m costs.crosscheck
	@$(RUN) -m tests.corpus
	@cd policies && ../$(RUN) -m guardrails.catalogue

docs-permissions: $(SYNCED) packages ## Write docs/permissions again: rehearses every stack that changed, a quarter of a minute each
	@$(RUN) -m permissions.catalogue

docs-pictures: $(SYNCED) packages ## Draw docs/pictures again: rehearses every stack that changed, a quarter of a minute each
	@$(RUN) docs/draw.py

# Fonts differ from machine to machine, so nothing compares these; they are made again when the page looks otherwise.
docs-screenshots: $(SYNCED) $(JOBS) packages ## Photograph the pages in docs/pictures again; needs a Chromium on the PATH
	@$(RUN) docs/screenshots.py

bench: $(SYNCED) packages $(JOBS) ## Measure rehearsals, cold starts, the api under load, Spark jobs and the log router: time, CPU, memory, growth
	@$(RUN) -m benchmarks $(ARGS)

requirements: $(SYNCED) ## Compile pyproject.toml to the requirements files, keeping the pins that still fit
	@$(RUN) requirements/compile.py

upgrade: $(SYNCED) ## The same with the newest versions that pyproject.toml allows, and the log router's newest image
	@$(RUN) requirements/compile.py --upgrade
	@$(RUN) requirements/images.py

clean: ## Remove what set-up made
	rm -rf .venv .uv build

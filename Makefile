# CloudTrail to Delta. `make` alone prints this file's targets.
#
# Everything is installed below this folder: .venv (packages), .cache (Spark's jars), dist (the distribution),
# .sandbox (what the sandbox writes). Packages come from wherever pip and uv are told to look on this machine.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The Python that makes .venv: the first of these that is 3.11 or 3.12. Override: make setup PYTHON=/path/to/python
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))
# Looked for once, and by those targets alone that need it.
PYTHON ?= $(eval PYTHON := $$(shell for p in python3.11 python3.12 python3 python; do \
	"$$$$p" -c '$(SUITABLE)' >/dev/null 2>&1 && echo "$$$$p" && break; done))$(PYTHON)
CHOSEN = $(if $(PYTHON),$(PYTHON),none of python3.11 python3.12 python3 python)
RUN := .venv/bin/python
# The product's console command, from the sources.
PRODUCT = env PYTHONPATH=plugins $(RUN) -m cloudtrail_to_delta
# More arguments: make test-unit ARGS="-k form", make up ARGS="--airflow-port 8081"
ARGS ?=
# The statement of make sql; make leaves its dollar signs alone, and by the environment no shell sees its quotes.
override Q := $(value Q)
export Q

##@ Try it

.PHONY: demo
demo: setup ## Set up and run one real ingest of sample logs, show the tables and the row counts, stop everything
	@exec $(RUN) -m sandbox demo $(ARGS)

.PHONY: up
up: setup ## Start the sandbox and Airflow's UI, and leave them running
	@exec $(RUN) -m sandbox up $(ARGS)

.PHONY: status
status: require-setup ## Show the sandbox's processes: pid, memory, uptime, address
	@$(RUN) -m sandbox status $(ARGS) || [ $$? -eq 3 ]

.PHONY: logs
logs: require-setup ## Show the last lines of every process's log (all of it: .sandbox/logs)
	@exec $(RUN) -m sandbox logs $(ARGS)

.PHONY: sql
sql: require-setup ## Query the tables while the sandbox runs: make sql Q="SELECT * FROM cloudtrail_events LIMIT 5"
	@exec $(RUN) -m sandbox sql $(ARGS)

.PHONY: alerts
alerts: require-setup ## Show what was sent to the alert topic while the sandbox runs
	@exec $(RUN) -m sandbox alerts $(ARGS)

.PHONY: down
down: require-setup ## Stop everything that `make up`, or a demo that was killed, has started
	@exec $(RUN) -m sandbox down $(ARGS)

##@ Work on it

# The product's own tests, and one run end to end; the rest: the stand-ins' tests, every other scenario, installs.
PRODUCT_TESTS := tests/unit/plugins tests/unit/spark_jobs tests/unit/repository tests/integration/plugins \
	tests/integration/spark_jobs tests/e2e/test_pipeline.py
OTHER_TESTS := tests/unit/sandbox tests/unit/benchmarks tests/integration/sandbox tests/e2e tests/install \
	--ignore tests/e2e/test_pipeline.py
PYTEST := $(RUN) -m pytest --numprocesses 2 --no-loadscope-reorder

.PHONY: test
test: setup lint ## Check style and types, then run the product's tests and one run end to end
	@exec $(PYTEST) $(PRODUCT_TESTS) $(ARGS)

.PHONY: test-rest
test-rest: setup ## Run what `make test` leaves out: every other scenario, the stand-ins' own tests, the install tests
	@exec $(PYTEST) $(OTHER_TESTS) $(ARGS)

.PHONY: test-all
test-all: test test-rest audit ## Run every test, and audit the lock files

.PHONY: audit
audit: require-packages ## Ask OSV about known vulnerabilities of the locked packages, where it can be reached
	@exec $(RUN) -m sandbox.vulnerabilities

.PHONY: test-unit
test-unit: require-packages ## Run the unit tests alone: no Spark, no Airflow database, seconds
	@exec $(RUN) -m pytest tests/unit $(ARGS)

.PHONY: test-matrix
test-matrix: setup ## Run the tests of the job on each Spark, and as on Databricks 17.3 (ARGS=4.2-databricks: on one of them)
	@exec $(RUN) -m tests.matrix $(ARGS)

.PHONY: acceptance
acceptance: require-packages ## Try a real account or workspace (ARGS="aws --bucket B --region R", ARGS="databricks FILE")
	@exec $(PRODUCT) acceptance $(ARGS)

.PHONY: bench
bench: setup ## Measure speed, cost and memory beside others (docs/benchmarks.md; ARGS="--only first_load,hourly")
	@"$(PYTHON)" -m sandbox.install bench
	@exec env PYTHONPATH=spark_jobs $(RUN) -m tests.benchmarks $(ARGS)

.PHONY: bench-quick
bench-quick: setup ## The same at small sizes, in five minutes, into .cache/bench/quick
	@"$(PYTHON)" -m sandbox.install bench
	@exec env PYTHONPATH=spark_jobs $(RUN) -m tests.benchmarks --sizes quick $(ARGS)

.PHONY: screenshots
screenshots: setup ## Take pictures of every page and alert: docs/images, and all of them in .cache/screenshots
	@exec env PYTHONPATH=plugins $(RUN) -m sandbox screenshots $(ARGS)

.PHONY: lint
lint: require-packages ## Check style (ruff) and types (mypy)
	@$(RUN) -m ruff check --quiet .
	@$(RUN) -m ruff format --check --quiet .
	@$(RUN) -m mypy --no-error-summary

.PHONY: format
format: require-packages ## Format the code and mend what ruff can mend
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

.PHONY: wheel
wheel: require-packages ## Build the distribution into dist/, with the job's wheel in it
	@$(RUN) -m sandbox.wheel

.PHONY: kinds
kinds: require-packages ## Write plugins/cloudtrail_to_delta/kinds.json again, from the job's table of kinds and its arguments
	@cd spark_jobs && ../$(RUN) -m cloudtrail_jobs.catalog > ../plugins/cloudtrail_to_delta/kinds.json

.PHONY: permissions
permissions: require-packages ## Write docs/permissions.md and its policies again, from the policies that preflight simulates
	@$(PRODUCT) permissions --documents docs/permissions > docs/permissions.md

.PHONY: params
params: require-packages ## Write docs/params.md again, from the forms and the contract
	@$(PRODUCT) params > docs/params.md

.PHONY: metrics
metrics: require-packages ## Write docs/reference/metrics.md again, from the declared metrics
	@$(PRODUCT) metrics > docs/reference/metrics.md

.PHONY: queries
queries: require-packages ## Write docs/databricks again: saved queries and a dashboard, from docs/queries.md (ARGS=--table …)
	@$(PRODUCT) queries docs/queries.md docs/databricks $(ARGS)

.PHONY: operators
operators: require-packages ## Write docs/reference/operators.md again, from the docstrings
	@$(RUN) -m docs.site.operators > docs/reference/operators.md

.PHONY: reliability
reliability: require-packages ## Write docs/reference/reliability.md again, from the tests' table of faults
	@$(RUN) -m tests.reliability > docs/reference/reliability.md

.PHONY: docs
docs: require-packages ## Build the documentation as a site into .cache/site; warnings are errors
	@exec $(RUN) -m sandbox.docs

.PHONY: check-accounts
check-accounts: require-packages ## Check dags/accounts.yaml (ARGS=file: another one): every problem with its line and field
	@AIRFLOW__CORE__DAGS_FOLDER=dags $(PRODUCT) check-accounts $(ARGS)

.PHONY: accounts-schema
accounts-schema: require-packages ## Write dags/accounts.schema.json again, from the declared params
	@$(PRODUCT) accounts-schema > dags/accounts.schema.json

.PHONY: requirements
requirements: require-python ## Pin requirements*.in again (ARGS=--upgrade: to the newest versions)
	@exec "$(PYTHON)" -m sandbox.install requirements $(ARGS)

##@ Set up

.PHONY: setup
setup: require-python ## Install everything once: packages, Spark's jars, the job's wheel (the others do it too)
	@exec "$(PYTHON)" -m sandbox.install

.PHONY: clean
clean: ## Stop the sandbox and remove everything made here: packages, jars, wheel, tables, logs
	@if [ -x $(RUN) ] && [ -d .sandbox ]; then $(RUN) -m sandbox down; fi
	@rm -rf .venv .cache .sandbox dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: require-packages
require-packages: require-python
	@exec "$(PYTHON)" -m sandbox.install packages

.PHONY: require-python
require-python:
	@"$(PYTHON)" -c '$(SUITABLE)' 2>/dev/null || { \
	  echo "make: Python 3.11 or 3.12 is needed, and $(CHOSEN) is not one:" \
	    "$$("$(or $(PYTHON),python3)" --version 2>&1 || true)" >&2; \
	  echo "Install one (Debian, Ubuntu: python3.11 and python3.11-venv; Fedora: python3.11; macOS: python@3.11)," \
	    "or name one: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }

.PHONY: require-setup
require-setup:
	@[ -x $(RUN) ] || { echo "make: nothing is set up here, so nothing runs; \`make up\` does both" >&2; exit 1; }

.PHONY: help
help: ## Print this
	@echo "CloudTrail logs into Delta tables, by Airflow and Databricks. Two commands to start with:"
	@echo "  make demo    and    make test"
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Every target sets up what it needs by itself; `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
STAGE ?= local
ENGINE ?= duckdb
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
SPARK_READY := $(VENV)/.spark-ready

.PHONY: help setup demo run test test-all lint clean bench bench-etl package provision deploy register teardown smoke check-lake

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

$(READY): requirements-dev.txt orders_app/requirements.txt scripts/setup.sh
	@sh scripts/setup.sh $(VENV) requirements-dev.txt $@

$(SPARK_READY): etl/requirements-spark.txt $(READY)
	@sh scripts/setup.sh $(VENV) etl/requirements-spark.txt $@

setup: $(READY) ## make the virtual environment (every other target does it too)

# Neither leaves a file outside .local/, bytecode included.
demo run: export PYTHONDONTWRITEBYTECODE = 1

demo: $(READY) $(if $(filter spark,$(ENGINE)),$(SPARK_READY)) ## tell the whole story once, on this machine, and exit
	@$(PY) -m scripts.local_run demo --engine $(ENGINE)

run: $(READY) $(if $(filter spark,$(ENGINE)),$(SPARK_READY)) ## the same, then stay up with the API on http://127.0.0.1:8000 until Ctrl-C
	@$(PY) -m scripts.local_run run --engine $(ENGINE)

test: $(READY) $(SPARK_READY) ## the default tests (under 8 minutes on 2 cores)
	@$(PY) -m pytest -m "not slow"

test-all: $(READY) $(SPARK_READY) ## all tests, the slow ones too
	@$(PY) -m pytest

lint: $(READY) ## ruff and mypy
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy

clean: ## remove everything that the other targets made
	@rm -rf .local $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis out build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

check-lake: $(READY) ## check the tables of STAGE through Athena, against report and payment ledger
	@$(PY) -m scripts.check_lake --stage $(STAGE)

package: $(READY) ## one linted template of everything and its zip, in out/ (STAGE=prod unless given)
	@$(PY) -m scripts.package --stage $(if $(filter local,$(STAGE)),prod,$(STAGE)) out

provision: $(READY) ## make the queues, topics, bus, bucket and secret of STAGE
	@$(PY) -m scripts.provision --stage $(STAGE)

deploy: provision ## provision, chalice deploy and register STAGE
	@$(PY) -m scripts.upload_etl --stage $(STAGE)
	@$(PY) -m scripts.deploy --stage $(STAGE)
	@$(PY) -m scripts.register --stage $(STAGE)

register: $(READY) ## migrate, and bind the deployed functions of STAGE to machines, rules and queues
	@$(PY) -m scripts.register --stage $(STAGE)

smoke: $(READY) ## prove the deployed STAGE: health, products, an order (not in prod), resources as declared
	@$(PY) -m scripts.smoke --stage $(STAGE)

teardown: $(READY) ## remove STAGE; prod asks for its name and keeps its data
	@$(PY) -m scripts.teardown --stage $(STAGE)

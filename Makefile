# Every target sets up what it needs by itself; `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
STAGE ?= local
ENGINE ?= duckdb
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
SPARK_READY := $(VENV)/.spark-ready
BENCH_READY := $(VENV)/.bench-ready
LOCAL_DIR := $(or $(ORDERS_LOCAL_DIR),.local)
AIRFLOW_VENV := $(LOCAL_DIR)/airflow-venv
AIRFLOW_READY := $(AIRFLOW_VENV)/.ready

# $$(call need,NAMES), the first prerequisite of a target, stops before anything is done and names every variable that was not given.
missing = $(foreach name,$(1),$(if $(and $(filter-out undefined file default,$(origin $(name))),$(strip $($(name)))),,$(name)))
need = $(if $(and $(filter $@,$(MAKECMDGOALS)),$(strip $(call missing,$(1)))),$(error $@ needs $(strip $(call missing,$(1))): \
  make $@$(foreach name,$(1), $(name)=…)))

.PHONY: help setup demo run test test-all test-browser lint clean bench bench-etl bench-messages package publish provision deploy register teardown delete smoke check-lake airflow-demo

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

.SECONDEXPANSION:
$(READY): requirements-dev.txt orders_app/requirements.txt scripts/setup.sh
	@sh scripts/setup.sh $(VENV) requirements-dev.txt $@

$(SPARK_READY): etl/requirements-spark.txt $(READY)
	@sh scripts/setup.sh $(VENV) etl/requirements-spark.txt $@
	@$(PY) -m etl.engines.spark_archive

$(BENCH_READY): etl/requirements-bench.txt $(READY)
	@sh scripts/setup.sh $(VENV) etl/requirements-bench.txt $@

$(AIRFLOW_READY): etl/airflow/requirements-local.txt scripts/setup.sh $(READY)
	@PYTHON=$(PY) sh scripts/setup.sh $(AIRFLOW_VENV) etl/airflow/requirements-local.txt $@

setup: $$(if $$(ARTIFACT_BUCKET),$$(call need,STAGE ARTIFACT_BUCKET)) $(READY) ## make the virtual environment; with STAGE and ARTIFACT_BUCKET the bucket for `make publish`, too
	$(if $(ARTIFACT_BUCKET),@$(PY) -m scripts.setup_bucket --stage $(STAGE) --bucket $(ARTIFACT_BUCKET))

# Neither leaves a file outside .local/, bytecode included.
demo run: export PYTHONDONTWRITEBYTECODE = 1

demo: $(READY) $(if $(filter spark,$(ENGINE)),$(SPARK_READY)) ## tell the whole story once, on this machine, and exit
	@$(PY) -m scripts.local_run demo --engine $(ENGINE)

run: $(READY) $(if $(filter spark,$(ENGINE)),$(SPARK_READY)) ## the same (STORY=no: without the story), then stay up with the API on http://127.0.0.1:8000 until Ctrl-C
	@$(PY) -m scripts.local_run run --engine $(ENGINE) $(if $(filter no,$(STORY)),--no-story)

# Three workers on two cores: tests of the live platform wait more than they compute. They keep bytecode, whatever
# the caller's environment says: hundreds of processes would compile the same files again.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest

test: $(READY) $(SPARK_READY) ## the default tests (under 8 minutes on 2 cores)
	@$(PYTEST) -n 3 --dist loadgroup --no-loadscope-reorder -m "not slow and not browser"

test-all: $(READY) $(SPARK_READY) ## all tests, the slow ones too
	@$(PYTEST) -n 3 --dist loadgroup --no-loadscope-reorder -m "not browser"

test-browser: $(READY) ## the report's page in a real Chromium, which has to be there
	@$(PY) -m tests.browser.chromium
	@$(PYTEST) -m browser tests/browser

lint: $(READY) ## ruff and mypy
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy

bench: $(READY) ## measure the order path beside the lesson's own design: speed, exact counts, memory, bill
	@$(PY) -m scripts.benchmarks.orders

bench-etl: $(READY) $(SPARK_READY) $(BENCH_READY) ## measure the ETL beside the recipe's own job, plain DuckDB and Polars
	@$(PY) -m scripts.benchmarks.etl --live

bench-messages: $(READY) ## measure the storing of messages: batches beside one insert for each
	@$(PY) -m scripts.benchmarks.messages

clean: ## remove everything that the other targets made
	@rm -rf .local $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis out build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

check-lake: $(READY) ## check the tables of STAGE through Athena, against report and payment ledger
	@$(PY) -m scripts.check_lake --stage $(STAGE)

airflow-demo: $(READY) $(SPARK_READY) $(AIRFLOW_READY) ## run the ETL's DAG with a real Airflow, which is installed for it in .local/
	@$(PY) -m scripts.airflow.demo --python $(AIRFLOW_VENV)/bin/python

package: $(READY) ## one linted template of everything and its zip, in out/ (STAGE=prod unless given; LAYER=1: packages as a layer)
	@$(PY) -m scripts.package --stage $(if $(filter file,$(origin STAGE)),prod,$(STAGE)) $(if $(LAYER),--layer) out

publish: $$(call need,STAGE VERSION ARTIFACT_BUCKET) $(READY) ## package STAGE and publish it as VERSION to the Serverless Application Repository, from ARTIFACT_BUCKET
	@$(PY) -m scripts.publish --stage $(STAGE) --version $(VERSION) --bucket $(ARTIFACT_BUCKET) --check
	@$(MAKE) --no-print-directory package STAGE=$(STAGE) LAYER=$(LAYER)
	@$(PY) -m scripts.publish --stage $(STAGE) --version $(VERSION) --bucket $(ARTIFACT_BUCKET) out

provision: $(READY) ## make the queues, topics, bus, bucket and secret of STAGE (CREATE_DATABASE=1 as under deploy)
	@$(PY) -m scripts.provision --stage $(STAGE) $(if $(CREATE_DATABASE),--create-database)

deploy: $$(call need,STAGE) $(READY) ## provision, chalice deploy and register STAGE (the first time CREATE_DATABASE=1, if it makes its own)
	@$(PY) -m scripts.provision --stage $(STAGE) $(if $(CREATE_DATABASE),--create-database)
	@$(PY) -m scripts.upload_etl --stage $(STAGE)
	@$(PY) -m scripts.deploy --stage $(STAGE)
	@$(PY) -m scripts.register --stage $(STAGE)

register: $(READY) ## migrate, and bind the deployed functions of STAGE to machines, rules and queues
	@$(PY) -m scripts.register --stage $(STAGE)

smoke: $(READY) ## prove the deployed STAGE: health, products, an order (not in prod), resources as declared
	@$(PY) -m scripts.smoke --stage $(STAGE)

teardown: $(READY) ## remove STAGE; prod asks for its name and keeps its data
	@$(PY) -m scripts.teardown --stage $(STAGE)

delete: $$(call need,STAGE) $(READY) ## teardown, but of a STAGE that is named
	@$(PY) -m scripts.teardown --stage $(STAGE)

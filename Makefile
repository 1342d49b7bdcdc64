# `make demo` and `make test` set everything up by themselves.
PYTHON ?= python3
PORT ?= 8080
# A network of your own, as LANDMARKS_MODEL takes it: serve, serve-one, profile, ledger, evaluate.
MODEL ?=
VENV := .venv
BIN := $(VENV)/bin
# uv where it is, else the environment's own pip. requirements/ has every package with its hashes.
UV := $(shell command -v uv 2>/dev/null)
INSTALL := $(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile)
NO_PACKAGES := echo "The packages could not be installed, for the reason above: where no registry can be reached, name yours" \
  "in PIP_INDEX_URL (UV_DEFAULT_INDEX for uv) and run the same command again." >&2

.PHONY: help mesh demo quick unit test test-all serve serve-one lint types models sbom audit bench load-test release dist lock licences site clean

help:
	@echo "make demo     a real photograph to landmarks: out/demo.png"
	@echo "make serve    both services on 127.0.0.1:8080..8083 until Ctrl-C; PORT=9080, MODEL=file"
	@echo "make serve-one   the same in one process, on 8080 and 8081: less memory, no hop"
	@echo "make quick    lint and the fastest tests: a minute"
	@echo "make test     lint, types, units and the core of the end-to-end tests: some minutes"
	@echo "make test-all   these and all other tests"
	@echo "make models   fetch the face detector"
	@echo "make sbom     what is in both images, as CycloneDX: out/*.cdx.json; make audit, make licences"
	@echo "make soak     100,000 generated requests and as many answered ones: no 5xx, no crash, no leak"
	@echo "make site     the pages as a site: out/docs/html"
	@echo "make lock     uv.lock and requirements/ of pyproject.toml; UPGRADE=1: newer packages"
	@echo "make bench    the data plane's figures, side by side: bench/results"
	@echo "make load-test   half a minute of every kind of request, held to thresholds"
	@echo "make peers    beside FastAPI, Triton and others (make peers-setup first)"
	@echo "make ledger MODEL=file   every engine's speed, memory and accuracy; make profile: where time goes"
	@echo "make cluster-test   the chart on a kind cluster, half an hour"
	@echo "make release VERSION=0.4.0   the number everywhere, and what would be published: out/release"
	@echo "make label PICTURES=folder   the teacher's landmarks of your own pictures: out/labels"

SERVED = $(if $(MODEL),LANDMARKS_MODEL="$(MODEL)")

demo: $(VENV)/run.stamp models
	@$(BIN)/python -m tools.demo

serve: $(VENV)/run.stamp models
	@$(SERVED) $(BIN)/python -m tools.serve --port $(PORT)

serve-one: $(VENV)/run.stamp models
	@$(SERVED) $(BIN)/python -m tools.serve --one --port $(PORT)

# Units on two processes, then the core of the end-to-end tests, which measure time, alone.
CORE := protocol bad_input faults landmark_sets
CALM := own_model models clients no_word documented extras
UNTIMED := predictor/convert helm k8s training bench client/test_command.py predictor/test_loader.py \
           $(patsubst %,tools/test_%.py,package compose setup) $(CALM:%=end_to_end/test_%.py)
TIMED := end_to_end page loadtest/test_run.py transformer/test_connection.py
QUICK := serving predictor/test_batcher.py predictor/test_model.py transformer/test_inputs.py \
         transformer/pictures/test_picture.py transformer/test_crops.py tools/test_house.py
quick: lint
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile $(QUICK:%=tests/%)

unit: lint types models
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile $(patsubst %,--ignore=tests/%,$(UNTIMED) $(TIMED) cluster data)

# They hold bounds in seconds, which a busy machine misses: a failure is shown (R) and seen again.
RERUNS ?= 1
TWICE := -q --reruns $(RERUNS) --reruns-delay 15 -r R
test: unit
	@$(BIN)/python -m pytest $(TWICE) $(CORE:%=tests/end_to_end/test_%.py)

# The rest: other languages, packages, images, Pythons, charts, a browser, training, generated input.
test-all: test
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(TWICE) -n 2 --dist loadfile $(UNTIMED:%=tests/%)
	@$(BIN)/python -m pytest $(TWICE) $(TIMED:%=tests/%) $(patsubst %,--ignore=tests/end_to_end/test_%.py,$(CORE) $(CALM))

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .

types: $(VENV)/dev.stamp
	@$(BIN)/mypy serving predictor transformer standalone.py client examples tools training bench loadtest tests

models: $(VENV)/run.stamp
	@$(BIN)/python -m tools.fetch_models

# MediaPipe's 478 points: serve them by `make serve MODEL=models/mesh`.
mesh: $(VENV)/run.stamp
	@$(BIN)/python -m tools.fetch_models mesh

# What the two services and the client need, and no more: the transformer's packages have the other two's.
$(VENV)/run.stamp: requirements/transformer.txt
	@test -x $(BIN)/python || $(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "$(PYTHON) is not there, is older than Python 3.11, or lacks venv (apt-get install python3-venv has it on Debian" \
	  "and Ubuntu): install Python 3.11, 3.12 or 3.13, or name yours, as in: make demo PYTHON=python3.12" >&2; exit 1; }
	@echo "setting up $(VENV) for the services (about a minute the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) --no-deps -r $< || { $(NO_PACKAGES); exit 1; }
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt requirements/convert.txt
	@echo "setting up $(VENV) for development (minutes the first time) ..."
	@$(INSTALL) --no-deps -r requirements/dev.txt && $(INSTALL) -r requirements/convert.txt || { $(NO_PACKAGES); exit 1; }
	@touch $@

# Environments of their own, of a dependency group each.
out/%/stamp: requirements/%.txt
	@$(PYTHON) -m venv out/$*
	@out/$*/bin/pip install --quiet --disable-pip-version-check -r $< || { $(NO_PACKAGES); exit 1; }
	@touch $@

# pyproject.toml's choices as uv.lock, and that as requirements/, for pip and the images; UPGRADE=1 takes newer packages.
# No package of its own imports what KServe asks for of pandas, Kubernetes and setuptools: serving/framework.py.
EXPORT = out/lock/bin/uv export --quiet --frozen --no-emit-project --no-default-groups --no-annotate --no-header --format requirements.txt
SERVICES := --prune pandas --prune kubernetes --prune setuptools
write = (echo "\# make lock writes this, of $(1)." && $(EXPORT) $(2)) > requirements/$(3).txt
lock: out/lock/stamp
	@out/lock/bin/uv lock --quiet $(if $(UPGRADE),--upgrade)
	@$(call write,the services,$(SERVICES),transformer)
	@$(call write,the services without what reads pictures,$(SERVICES) --prune opencv-python-headless --prune pillow --prune simplejpeg,predictor)
	@$(call write,group dev,--group dev,dev)
	@$(call write,extra convert; without hashes as torch has other builds elsewhere,--extra convert --no-hashes | grep -vE '^(cuda|nvidia|triton)',convert)
	@$(call write,group cuda,--only-group cuda,predictor-cuda)
	@for group in audit lock site triton litert schemathesis; do $(call write,group $$group,--only-group $$group,$$group) || exit 1; done

AUDIT := out/audit/bin
IMAGES := predictor transformer

sbom: out/audit/stamp $(IMAGES:%=out/images/%.stamp)
	@for image in $(IMAGES); do \
	  $(AUDIT)/cyclonedx-py environment --output-reproducible --of JSON --pyproject pyproject.toml \
	    -o out/landmarks-$$image.cdx.json out/images/$$image || exit 1; \
	  echo "out/landmarks-$$image.cdx.json"; done

audit: out/audit/stamp images
	@for image in predictor transformer; do \
	  $(AUDIT)/pip-audit --strict --progress-spinner off --path out/images/$$image/lib/python*/site-packages \
	    || { echo "$$image: known faults, or packages that nobody could look up: run it where pypi.org answers." >&2; \
	         exit 1; }; done

# Writes the number everywhere, builds what would be published, and says what is left.
release: $(VENV)/dev.stamp
	@$(BIN)/python -m tools.release "$(VERSION)"
	@$(MAKE) --no-print-directory dist
	@$(BIN)/python -m tools.release

DIST := out/release
dist: $(VENV)/dev.stamp
	@rm -rf $(DIST)
	@for package in . client; do $(BIN)/python -m build --no-isolation --outdir $(DIST) $$package >/dev/null || exit 1; done
	@if command -v helm >/dev/null; then helm package helm --destination $(DIST) >/dev/null; \
	  else echo "There is no helm here: the chart is left out." >&2; fi
	@rm -rf build *.egg-info client/build client/*.egg-info; ls $(DIST)

# The pages as a site, searchable, with the client's and model.json's reference; a warning is an error.
site: out/site/stamp $(VENV)/run.stamp
	@$(BIN)/python -m tools.site $(CURDIR)/out/site/bin/python

licences: out/audit/stamp images
	@$(AUDIT)/pip-licenses --python out/images/transformer/bin/python --from mixed --format markdown

bench: bench-dataplane

load-test: $(VENV)/dev.stamp models
	@$(BIN)/python -m loadtest ci

include bench/bench.mk k8s/k8s.mk training/training.mk

clean:
	rm -rf $(VENV) out .mypy_cache .pytest_cache .ruff_cache

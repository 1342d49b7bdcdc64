# Targets for Kubernetes, included by the Makefile.
# How often a scenario may be seen: its last try counts, all are reported.
TRIES ?= 1
# More for pytest: make cluster-test PYTEST="--keep -k gpu"
PYTEST ?=
# A folder of that name beside the project stands in for the steps that need a network.
CLUSTER_TOOLS ?= $(wildcard $(abspath ../shared/cluster))

.PHONY: cluster-test

cluster-test: $(VENV)/dev.stamp models
	@if [ -n "$(CLUSTER_TOOLS)" ]; then \
	  export CLUSTER_TOOLS="$(CLUSTER_TOOLS)"; . "$(CLUSTER_TOOLS)/env.sh"; fi; \
	$(BIN)/python -m pytest tests/cluster -s --reruns $$(($(TRIES) - 1)) --reruns-delay 10 \
	  --junitxml=out/cluster-test/junit.xml $(PYTEST)

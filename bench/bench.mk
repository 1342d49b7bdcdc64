# Measurements; the Makefile includes this.

# The data plane's figures and its long tests.
.PHONY: bench-dataplane images soak

GENERATED := tests/serving/rest/test_codec.py tests/serving/grpc/test_codec.py \
             tests/transformer/pictures/test_picture.py tests/end_to_end/test_hostile.py \
             tests/end_to_end/test_documented.py::test_generated_requests_are_answered_as_described

# Figures are of what ships: each service from an environment of its image's requirements alone.
images: out/images/predictor.stamp out/images/transformer.stamp

out/images/%.stamp: requirements/%.txt
	@echo "setting up out/images/$* from $< ..."
	@$(PYTHON) -m venv out/images/$*
	@out/images/$*/bin/pip install --quiet --disable-pip-version-check --no-deps -r $< || { $(NO_PACKAGES); exit 1; }
	@out/images/$*/bin/pip uninstall --quiet --yes setuptools pip  # no image has them
	@touch $@

bench-dataplane: $(VENV)/dev.stamp models images
	@$(BIN)/python -m bench.dataplane

soak: $(VENV)/dev.stamp models images
	@SOAK=100 $(BIN)/python -m pytest -q $(GENERATED)
	@$(BIN)/python -m bench.dataplane soak

# DATA has faces/ and pictures/, GROUNDS photographs without a face, DETECTORS names ONNX files.
.PHONY: detectors
detectors: $(VENV)/dev.stamp
	@$(BIN)/python -m bench.detectors "$(DATA)" "$(GROUNDS)" $(DETECTORS)

# MODEL is what LANDMARKS_MODEL takes; DATA, if given, a folder of faces to measure differences on.
.PHONY: profile ledger gpu-check

profile: $(VENV)/dev.stamp
	@$(BIN)/python -m bench.engine.profile $(if $(MODEL),--model "$(MODEL)")

ledger: $(VENV)/dev.stamp
	@$(BIN)/python -m bench.engine.ledger $(if $(MODEL),--model "$(MODEL)") $(if $(DATA),--data "$(DATA)")

# On a machine with an NVIDIA GPU: its engines against the CPU's, then every engine's speed.
gpu-check: $(VENV)/dev.stamp
	@$(BIN)/python -m pytest -q -rs tests/predictor/test_engines.py -k gpu
	@$(BIN)/python -m bench.engine.ledger

# The service beside what people would use instead.
#   make peers-setup                 an environment for each peer under out/peers (minutes, gigabytes)
#   make peers PEERS="--only fastapi,ours-one --rounds 1"
.PHONY: peers-setup peers

peers-setup: $(VENV)/dev.stamp
	@$(BIN)/python -m bench.peers.install

peers: $(VENV)/dev.stamp models images
	@$(BIN)/python -m bench.peers $(PEERS)

# The data plane's figures and its long tests; the Makefile includes this.
.PHONY: bench-dataplane images soak

GENERATED := $(wildcard tests/serving/rest/test_codec.py tests/serving/grpc/test_codec.py \
             tests/serving/grpc/test_wire.py tests/transformer/test_picture.py \
             tests/end_to_end/test_generated.py tests/end_to_end/test_hostile.py)

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


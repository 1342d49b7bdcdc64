# The data plane's figures and its long tests; the Makefile includes this.
.PHONY: bench-dataplane soak guards

GENERATED := tests/serving/test_rest_codec.py tests/serving/test_grpc_codec.py \
             tests/transformer/test_picture.py tests/servers/test_generated.py

bench-dataplane: $(VENV)/dev.stamp models
	@$(BIN)/python -m bench.dataplane cpu overhead pinned chain stock overload

soak: $(VENV)/dev.stamp models
	@SOAK=100 $(BIN)/python -m pytest -q $(GENERATED)
	@$(BIN)/python -m bench.dataplane soak

guards: $(VENV)/dev.stamp models
	@$(BIN)/python -m tools.guards

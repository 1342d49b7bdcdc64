# MODEL is what LANDMARKS_MODEL takes; DATA, if given, a folder of faces to measure differences on.
.PHONY: profile ledger gpu-check

profile: $(VENV)/dev.stamp
	@$(BIN)/python -m bench.engine.profile $(if $(MODEL),--model "$(MODEL)")

ledger: $(VENV)/dev.stamp
	@$(BIN)/python -m bench.engine.ledger $(if $(MODEL),--model "$(MODEL)") $(if $(DATA),--data "$(DATA)")

# On a machine with an NVIDIA GPU: its engines against the CPU's, then every engine's speed.
gpu-check: $(VENV)/dev.stamp
	@$(BIN)/python -m pytest -q -rs tests/predictor/engines/test_gpu.py
	@$(BIN)/python -m bench.engine.ledger

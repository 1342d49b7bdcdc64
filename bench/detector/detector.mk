# DATA has faces/ and pictures/; GROUNDS, if given, photographs without a face.
.PHONY: detectors

detectors: $(VENV)/dev.stamp
	@$(BIN)/python -m bench.detector --data $(DATA) --yunet $(YUNET) $(if $(CENTERFACE),--centerface $(CENTERFACE)) \
	  $(if $(GROUNDS),--grounds $(GROUNDS))

# Labels and a network's accuracy.
PICTURES ?=
OUT ?= out/labels
DATA ?=
MESH := models/mesh/face_landmarks_detector.tflite

.PHONY: label evaluate

label: $(VENV)/run.stamp models $(MESH)
	@test -n "$(PICTURES)" || { echo "make label PICTURES=folder [OUT=folder]" >&2; exit 2; }
	@$(BIN)/python -m training.cut --pictures "$(PICTURES)" --out "$(OUT)"
	@$(BIN)/python -m training.teacher "$(OUT)"

$(MESH): | $(VENV)/run.stamp
	@$(BIN)/python -m tools.fetch_models mesh

# MODEL is what LANDMARKS_MODEL takes, of any set of points; DATA a folder with an index.csv.
evaluate: $(VENV)/dev.stamp
	@test -n "$(DATA)" || { echo "make evaluate DATA=folder [MODEL=file]" >&2; exit 2; }
	@$(BIN)/python -m training.evaluate --data $(DATA) --model "$(or $(MODEL),models/simple_unet.pth)"

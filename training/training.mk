# Labels and a network's accuracy. The teacher has an environment of its own: its package needs an
# older NumPy than the product, and is no dependency of it.
TEACHER := .venv-teacher
PICTURES ?=
OUT ?= out/labels
DATA ?=

.PHONY: teacher label evaluate

teacher: $(TEACHER)/stamp

$(TEACHER)/stamp: training/teacher/requirements.txt
	@test -x $(TEACHER)/bin/python || $(PYTHON) -m venv $(TEACHER)
	@$(TEACHER)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

label: $(VENV)/run.stamp $(TEACHER)/stamp models
	@test -n "$(PICTURES)" || { echo "make label PICTURES=folder [OUT=folder]" >&2; exit 2; }
	@$(BIN)/python -m training.cut --pictures "$(PICTURES)" --out "$(OUT)"
	@$(TEACHER)/bin/python -m training.teacher "$(OUT)"

# MODEL is what LANDMARKS_MODEL takes, of any set of points; DATA a folder with an index.csv.
evaluate: $(VENV)/dev.stamp
	@test -n "$(DATA)" || { echo "make evaluate DATA=folder [MODEL=file]" >&2; exit 2; }
	@$(BIN)/python -m training.evaluate --data $(DATA) --model "$(or $(MODEL),models/simple_unet.pth)"

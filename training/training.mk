# Labels, turned faces and the full evaluation. The teacher has an environment of its own:
# its package needs an older NumPy than the product, and is no dependency of it.
TEACHER := .venv-teacher
PICTURES ?=
OUT ?= out/labels
DATA ?= ../shared/data/faces

.PHONY: teacher label evaluate

teacher: $(TEACHER)/stamp

$(TEACHER)/stamp: training/teacher/requirements.txt
	@test -x $(TEACHER)/bin/python || $(PYTHON) -m venv $(TEACHER)
	@$(TEACHER)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

label: $(TEACHER)/stamp models
	@test -n "$(PICTURES)" || { echo "make label PICTURES=folder [OUT=folder]"; exit 2; }
	@$(TEACHER)/bin/python -m training.teacher --pictures "$(PICTURES)" --out "$(OUT)"

# Everything about a network's accuracy: MODEL=file, DATA="folders", LABELS=the teacher's points.
LABELS ?=
YUNET ?= $(firstword $(wildcard models/detector/*yunet*.onnx))

evaluate: $(VENV)/dev.stamp models
	@$(BIN)/python -m training.measure --data $(DATA) --model "$(or $(MODEL),models/simple_unet.pth)" \
	  $(if $(LABELS),--teacher "$(LABELS)") $(if $(YUNET),--yunet "$(YUNET)")

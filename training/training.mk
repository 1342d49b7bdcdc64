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

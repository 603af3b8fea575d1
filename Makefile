# setup  make .venv with everything that development needs
# demo   from nothing to a trained model: install, compile, audit, train on real digits
# test   the whole test suite
# fuzz   10,000 generated specs, or FUZZ=N, for each law; FUZZ_START=SEED starts at one of them, and
#        LAWS="tests/laws/test_values.py" holds them to some laws alone
# slow   what `make test` leaves out: a release in new environments, pdflatex, Chromium, killed runs,
#        several processes, and the longest laws
# test-oldest  the test suite with the lowest versions that pyproject.toml claims, but for torch
# check  lint, format, types, import boundaries
# golden rewrite the files that the tests hold the output to; read the diff
# bench  step times beside hand-written modules and under Inductor, estimators beside closed forms,
#        fused kernels where there is a GPU, how the time to compile grows with a spec, and how fast
#        the language server answers
# study  structure learning on planted edges; SPEC=jmvae: that spec against a control (MNIST=FOLDER)
# docs   the pages under docs/, as a site

PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# What `-c` says does not reach the environment that builds the package. Older pips take PIP_CONSTRAINT
# there, newer ones PIP_BUILD_CONSTRAINT.
INSTALL := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	$(BIN)/python -m pip install --quiet -c constraints.txt

.DELETE_ON_ERROR:
FUZZ ?= 10000
LAWS := tests/laws tests/test_generated.py tests/syntax/test_fuzz_specs.py tests/test_specs.py \
	tests/test_devices.py tests/verify/test_verify.py tests/fmt/test_fmt.py tests/test_extremes.py tests/lower/test_games.py \
	tests/api/test_saving.py tests/api/test_in_use.py tests/api/test_latent_model.py tests/resolve/test_players.py \
	tests/lower/test_enumeration.py tests/test_runtime/test_estimators_extremes.py \
	tests/test_runtime/test_flows.py tests/resolve/test_turns.py \
	tests/test_data/test_odd_files.py tests/test_data/test_new_from.py

.PHONY: setup demo test fuzz slow test-oldest check golden bench study docs

setup: $(VENV)/dev.stamp

demo: $(VENV)/train.stamp
	$(BIN)/graphdsl compile specs/wyner.mib
	$(BIN)/graphdsl audit specs/wyner.mib
	OMP_NUM_THREADS=1 $(BIN)/graphdsl train specs/wyner.mib --data digits-halves

# One thread a process: two workers share the two cores.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

fuzz: setup
	FUZZ=$(FUZZ) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --timeout=0 $(LAWS)

slow: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow

test-oldest: setup
	mkdir -p build
	$(BIN)/python -m tests.oldest > build/oldest.txt
	$(PYTHON) -m venv build/oldest
	PIP_CONSTRAINT=build/oldest.txt build/oldest/bin/python -m pip install --quiet \
		"$$(grep -o "^torch==[0-9.]*" constraints.txt)" -e ".[train,draw,data]" \
		hatchling hypothesis interegular jsonschema pytest pytest-timeout pytest-xdist ruff import-linter
	OMP_NUM_THREADS=1 build/oldest/bin/python -m pytest -n 2

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

golden: setup
	$(BIN)/python -m graphdsl.syntax
	$(BIN)/python -m pytest --update-golden

bench: setup
	$(BIN)/graphdsl compile specs/vae.mib --const pixels=784
	$(BIN)/graphdsl compile specs/beta_tcvae.mib --const pixels=784
	$(BIN)/python -m bench.step_time --vae build/vae.py --tcvae build/beta_tcvae.py
	$(BIN)/graphdsl compile specs/mvae.mib --const views=2 --const pixels=784 -o build/mvae_2.py
	$(BIN)/graphdsl compile specs/mvae.mib --const views=3 --const pixels=784 -o build/mvae_3.py
	$(BIN)/graphdsl compile specs/jmvae.mib --const pixels=784 -o build/jmvae_2.py
	$(BIN)/graphdsl compile bench/jmvae_3.mib -o build/jmvae_3.py
	$(BIN)/python -m bench.view_time
	$(BIN)/python -m bench.estimators --out docs/results/estimators.md
	$(BIN)/python -m bench.inductor
	$(BIN)/python -m bench.fused
	$(BIN)/python -m bench.start_up
	$(BIN)/python -m bench.scale
	$(BIN)/python -m bench.editor

study: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m study$(if $(SPEC), $(SPEC)$(if $(MNIST), --data pairs --mnist $(MNIST)),.planted)

docs: $(VENV)/docs.stamp
	$(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

# A stamp is newer than what it was installed from; nothing is installed twice.
$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/train.stamp: pyproject.toml constraints.txt | $(BIN)/pip
	$(INSTALL) -e ".[train]"
	@touch $@

$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(BIN)/pip
	$(INSTALL) -e ".[train,dev]"
	@touch $@ $(VENV)/train.stamp

$(VENV)/docs.stamp: pyproject.toml constraints.txt | $(BIN)/pip
	$(INSTALL) -e ".[docs]"
	@touch $@

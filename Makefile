PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: help setup run demo test fuzz soak bench gallery
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## a virtual environment in .venv with what the server needs

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "shopcast needs Python 3.11 or newer; set PYTHON=…")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(STAMP): pyproject.toml requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable .
	@touch $@

$(DEV_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch $@

run: setup ## the server
	$(BIN)/shopcast serve

demo: setup ## a show on air with nothing else installed (SECONDS=20 ends by itself)
	$(BIN)/shopcast demo $(if $(SECONDS),--seconds $(SECONDS))

test: $(DEV_STAMP) ## everything that CI runs: lint, types, tests
	$(PYTHON) tests/system_packages.py
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

fuzz: $(DEV_STAMP) ## 100,000 inputs for each parser, then as many examples for each property of them
	$(BIN)/python -m tests.fuzz
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest tests/rtmp/test_amf0.py tests/rtmp/test_chunk.py \
		tests/rtmp/test_sessions.py tests/webrtc/test_sdp.py tests/webrtc/test_rtp.py
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest tests/sync/test_stateful.py tests/sync/test_selling.py
	CRASHES=50 $(BIN)/python -m pytest tests/crash

soak: $(DEV_STAMP) ## a show that is disturbed at random (MINUTES=10, SEED=… for the same again)
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

bench: $(DEV_STAMP) ## the measured figures, each with its peer's
	$(PYTHON) tests/system_packages.py
	for name in compose show_cost two_canvases glass_to_glass fanout loop_lag capacity imports sync orders; do $(BIN)/python -m bench.$$name || exit 1; done

gallery: $(DEV_STAMP) ## docs/gallery.md, docs/schemas and docs/eligibility.md anew
	$(BIN)/python -m tests.compositor.gallery
	$(BIN)/python -m tests.sync.eligibility_page

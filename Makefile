# `make demo` and `make test` do all the set-up on a machine that has Python 3.11+ (with venv), Node 20+ and make.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The bundle is built here first; the package's own build hook need not do it again.
PIP := HATCH_JUPYTER_BUILDER_SKIP_NPM=1 $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt
JS_SOURCES := $(shell find js/src -type f 2>/dev/null)
BUNDLE := lightly_widget/static/widget.js

.PHONY: demo test check lint types rooms generated js-check unit browser test-lowest screenshots bench docs bundle clean

demo: $(VENV)/.demo notebooks/node_modules/.done
	cd notebooks && ../$(BIN)/jupyter lab $$([ "$$(id -u)" != 0 ] || echo --allow-root) quickstart.ipynb

test: check unit browser

check: lint types rooms generated js-check

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

# Who imports whom, and how sentences are written.
rooms: $(VENV)/.test
	$(BIN)/python -m pytest -q tests/test_package.py tests/test_zz_sentences.py

# `python -m lightly_widget.wire.generate` makes the files again after a change of a message or a strategy.
generated: $(VENV)/.test js/node_modules/.done
	$(BIN)/python -m lightly_widget.wire.generate --check

js-check: js/node_modules/.done
	cd js && npm run --silent typecheck && npm run --silent lint && npm test --silent

unit: $(VENV)/.test notebooks/node_modules/.done
	$(BIN)/python -m pytest -m "not browser and not lowest" --cov=lightly_widget --cov-report=term:skip-covered

browser: $(VENV)/.test notebooks/node_modules/.done .chromium
	$(BIN)/python -m pytest -m browser

# The lowest versions that pyproject.toml allows, in an environment of their own.
test-lowest: $(VENV)/.test
	$(BIN)/python -m pytest -m lowest

# The README's pictures are what the browser tests saw.
screenshots: browser
	cp screenshots/explorer-light.png screenshots/explorer-dark.png docs/

bench: $(VENV)/.test
	$(PIP) -e ".[bench]"
	$(BIN)/python -m benchmarks

# Builds the pages into build/site, which need no network, and serves them.
docs: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	cd build/site && ../../$(BIN)/python -m http.server --bind 127.0.0.1 8000

bundle: $(BUNDLE)

$(BUNDLE): js/node_modules/.done js/build.mjs $(JS_SOURCES)
	cd js && npm run --silent build

# `npm install`, not `npm ci`: a registry that lacks some platform's optional binaries leaves them out of the lock file,
# and `npm ci` then refuses the lock on every platform. The versions are the lock's all the same.
js/node_modules/.done: js/package.json js/package-lock.json
	cd js && npm install --no-save --no-audit --no-fund --loglevel=error
	touch $@

# The pictures of the quickstart and their names: two npm packages, both MIT, fetched and never vendored.
notebooks/node_modules/.done: notebooks/package.json notebooks/package-lock.json
	cd notebooks && npm install --no-save --no-audit --no-fund --loglevel=error
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python $(BUNDLE)
	$(PIP) -e ".[demo]"
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python $(BUNDLE)
	$(PIP) -e ".[test]"
	touch $@

# Playwright's own download is not needed: the tests drive the distribution's Chromium.
.chromium:
	@command -v chromium >/dev/null || { \
	  run=""; [ "$$(id -u)" = 0 ] || run=sudo; \
	  $$run apt-get update -qq && $$run apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; }
.PHONY: .chromium

clean:
	rm -rf build dist js/dist js/node_modules notebooks/node_modules $(BUNDLE) $(dir $(BUNDLE))page.js .pytest_cache .mypy_cache .ruff_cache test-results screenshots

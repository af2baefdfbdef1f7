# Every target sets up what it needs first: see scripts/setup.
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
	    while IFS='|' read -r name text; do printf '  make %-17s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: ## apt packages, .venv as locked, compiled catalogues; quick when nothing changed
	@scripts/setup

.PHONY: demo
demo: setup ## one ticket's whole life, on real processes (DEMO="--keep" leaves them running)
	@$(PYTHON) -m tests.demo $(DEMO)

.PHONY: test
test: setup ## format, lint, types, contracts, all quick suites, coverage (ONLY="unit gui": some)
	@scripts/test $(ONLY)

.PHONY: test-api
test-api: setup ## calls made up from the interface's document, as every role (FULL=1: many more of each)
	@$(if $(FULL),HYPOTHESIS_PROFILE=full) $(PYTHON) -m pytest -q --timeout 3600 \
	    tests/integration/sync_server/test_openapi.py tests/integration/sync_server/test_interface.py

.PHONY: test-xvfb
test-xvfb: setup ## the suites with windows, on a virtual screen
	@QT_QPA_PLATFORM=xcb xvfb-run -a -s "-screen 0 1920x1080x24" scripts/test gui looks

.PHONY: simulate
simulate: setup ## the whole suite on simulated machines, one seed a life (SEEDS=n; HUB=1: houses with a hub, seeds of their own)
	@$(PYTHON) -m tests.simulation $(if $(HUB),--hub) --seeds $(or $(SEEDS),1000)

.PHONY: simulate-mutants
simulate-mutants: setup ## every safeguard switched off once: each must be missed
	@$(PYTHON) -m tests.simulation --mutants $(if $(SEARCH),--search $(SEARCH))

.PHONY: bench
bench: setup ## measurements; they pass no judgement
	@$(PYTHON) -m tests.bench $(BENCH)

.PHONY: chaos
chaos: setup ## kills, cuts, full disks under load, then the books are read (KILLS=200)
	@$(PYTHON) -m tests.chaos --kills $(or $(KILLS),200) $(CHAOS)

.PHONY: format
format: setup ## put the sources in their form and mend what ruff can
	@.venv/bin/ruff check --quiet --fix . ; .venv/bin/ruff format .

.PHONY: messages
messages: setup ## collect texts into the catalogues of all languages
	@scripts/messages && scripts/setup

.PHONY: lock
lock: setup ## compile requirements/*.txt from pyproject.toml (LOCK="--upgrade": the newest)
	@scripts/lock $(LOCK)

.PHONY: audit
audit: setup ## compare all locked packages with the published advisories (asks the network)
	@.venv/bin/uvx pip-audit@2.10.1 --strict --disable-pip --require-hashes -r requirements/dev.txt

.PHONY: clean
clean: ## remove everything that can be made again, .venv too
	@rm -rf .venv .cache build dist demo-output
	@find . -name .git -prune -o \( -name __pycache__ -o -name '*.mo' -o -name '*.egg-info' \) \
	    -prune -exec rm -rf {} +

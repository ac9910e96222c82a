# PyObject preservation strategies, compared. `make help` lists the targets.
SHELL := bash
PYTHON ?=
STRATEGY ?=
LABEL ?=
QUICK ?=
PEERS ?=
FINDINGS ?=
PRODUCTS ?=
LIMIT_MB ?=
MAX ?=
comma := ,
run = scripts/with_python.sh "$(PYTHON)"

.PHONY: help setup bench test lint fmt matrix takehome peers findings products report promises test-cpy3 threads linear stress test-debug test-all
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z][a-z0-9-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo
	@echo "  PYTHON=/path/to/python3.x picks the interpreter (default: the system's)"
	@echo "  STRATEGY=name narrows to one strategy; QUICK=1 measures less; LABEL=name names the results"
	@echo "  PEERS=name narrows make peers to one library; PYTHONS=paths names the interpreters of make test-all"

setup: ## make .venv, install what is missing, build the extension into python/
	@scripts/setup.sh "$(PYTHON)"

bench: setup ## the main job: matrix and benchmarks, written to results/, compared
	@QUICK="$(QUICK)" LABEL="$(LABEL)" STRATEGY="$(STRATEGY)" $(run) .build/session bench

test: setup ## all tests
	@STRATEGY="$(STRATEGY)" $(run) .build/session test

lint: setup ## check the form of the sources with pinned tools; make fmt formats
	@$(run) scripts/lint.sh

fmt: setup ## format the sources, and mend what the linters can mend
	@$(run) scripts/lint.sh --fix

matrix: setup ## the correctness matrix: a table, and .build/matrix.json and .md
	@STRATEGY="$(STRATEGY)" $(run) scripts/matrix.sh

takehome: setup ## complete C extensions over the schemes' headers, and <name>_single.h, in .build/takehome/
	@$(run) bash -c '"$$PP_PYTHON" takehome/build.py'

peers: setup ## the libraries themselves beside our strategies: install, build, matrix, benchmarks
	@QUICK="$(QUICK)" LABEL="$(LABEL)" PEERS="$(PEERS)" $(run) .build/session peers

findings: setup ## what the matrix found in released libraries: install them, run each program ten times
	@$(run) bash -c '"$$PP_PYTHON" findings/run.py $(FINDINGS)'

products: setup ## which libraries lose attributes: install what fits into LIMIT_MB=1000, ask, tabulate
	@LIMIT_MB="$(LIMIT_MB)" $(run) bash -c '"$$PP_PYTHON" products/run.py $(PRODUCTS)'

report: setup ## make the reports, the pages and README's tables and charts anew from results/
	@LABEL="$(LABEL)" $(run) scripts/report.sh

promises: setup ## count what is promised in instructions, and write bench/promises.json from it
	@$(run) bash -c '"$$PP_PYTHON" bench/instructions.py --promise'

threads: setup ## operations of several threads at once, without the GIL where PYTHON= has none: a table
	@$(run) bash -c '"$$PP_PYTHON" bench/python_threads.py --strategies "$(subst $() $(),$(comma),$(STRATEGY))" --text .build/$$PP_TAG/threads.txt'

linear: setup ## whether the time of MAX=10000000 objects is that of one times their number: a table, with exponents
	@$(run) bash -c '"$$PP_PYTHON" bench/linear.py $(if $(MAX),--max $(MAX)) --strategies "$(subst $() $(),$(comma),$(STRATEGY))" --save .build/$$PP_TAG/linear.txt'

stress: setup ## strategies against the reference model, for MINUTES=30 from SEED=
	@STRATEGY="$(STRATEGY)" $(run) scripts/stress.sh

test-debug: setup ## race detector, sanitizers, valgrind, a debug build of CPython
	@$(run) .build/session debug

test-all: setup ## all tests on every CPython there is, or those in PYTHONS=
	@$(run) .build/session all

test-cpy3: setup ## the Go tests with an interpreter started by cpy3
	@$(run) scripts/test_cpy3.sh

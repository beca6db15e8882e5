# Every way in for people and programs. `make run` and `make test` set up what is missing.
.DEFAULT_GOAL := help
.PHONY: help setup run test soak check bench package deploy lock clean
BIN := .venv/bin

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv and all else that run and test need; nothing where it is there
	@scripts/setup test

run: ## Start the whole system on this machine, with demo shops and demo traffic
	@scripts/setup run
	@exec $(BIN)/cplus up $(ARGS)

test: setup ## The checks and every test but the long ones (ARGS='-k name' for some)
	@$(MAKE) --no-print-directory check
	@$(BIN)/pytest -n 3 --dist loadfile $(ARGS)

soak: setup ## The tests that take long; what they saw goes to docs/proofs.md
	@$(BIN)/pytest -m soak $(ARGS)
	@$(BIN)/python scripts/proofs.py

check: ## Style, types and the import law; no test
	@scripts/setup run
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: ## Every benchmark; the figures go to bench/results and docs/scale.md
	@scripts/setup run
	@set -e; for bench in bench/bench_*.py; do \
		[ -e "$$bench" ] || { echo "no benchmark in bench/"; break; }; \
		echo "== $$bench"; $(BIN)/python "$$bench"; done
	@$(BIN)/python bench/scale.py

package: setup ## The zip for Lambda (arm64, Python 3.13) and the template of each stage
	@$(BIN)/python scripts/package.py

deploy: setup ## Package, prove against what runs, make indexes, deploy (STAGE=dev or prod)
	@PATH="$(CURDIR)/node_modules/.bin:$(CURDIR)/$(BIN):$$PATH" \
		$(BIN)/python scripts/deploy.py "$(STAGE)" $(ARGS)

lock: ## Pin the newest packages that pyproject.toml allows
	@scripts/setup run
	scripts/lock

clean: ## Remove what was made here, .venv and node_modules included
	rm -rf .venv node_modules build dist .serverless conversations_plus.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

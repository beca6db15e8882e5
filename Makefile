# All commands. `make run` and `make test` set up what is missing.
.DEFAULT_GOAL := help
.PHONY: help setup run test soak check style bench images package deploy lock clean
BIN := .venv/bin
# Hundreds of processes start in a run; without it, each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Create .venv and everything else that run and test need, if missing
	@scripts/setup test

run: ## Start the whole system on this machine, with demo shops and demo traffic
	@scripts/setup run
	@exec $(BIN)/cplus up $(ARGS)

# mypy uses one core, for as long as twenty seconds: the tests need not wait for it.
test: setup ## Run the checks and all but the slow tests (ARGS='-k name' for some)
	@$(MAKE) --no-print-directory style
	@mkdir -p build; $(BIN)/mypy >build/types.txt 2>&1 & types=$$!; \
		$(BIN)/pytest -n 4 --dist loadfile $(ARGS); tests=$$?; \
		wait $$types; types=$$?; cat build/types.txt; exit $$((tests + types))

soak: setup ## Run the slow tests; their figures go to docs/proofs.md
	@$(BIN)/pytest -m soak $(ARGS)
	@$(BIN)/python scripts/proofs.py

check: style ## Check style, types and the import law; no tests
	$(BIN)/mypy

style:
	@scripts/setup run
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

bench: ## Run every benchmark; the figures go to bench/results and docs/scale.md
	@scripts/setup run
	@set -e; for bench in bench/bench_*.py; do \
		[ -e "$$bench" ] || { echo "no benchmark in bench/"; break; }; \
		echo "== $$bench"; $(BIN)/python "$$bench"; done
	@$(BIN)/python bench/scale.py

images: setup ## Take the pictures of docs/images anew (ARGS='inbox search' for some)
	@$(BIN)/python -m scripts.images $(ARGS)

package: setup ## Build the zip for Lambda (arm64, Python 3.13) and each stage's template
	@$(BIN)/python scripts/package.py

deploy: setup ## Package, compare with the running code, index, deploy (STAGE=dev or prod)
	@PATH="$(CURDIR)/node_modules/.bin:$(CURDIR)/$(BIN):$$PATH" \
		$(BIN)/python scripts/deploy.py "$(STAGE)" $(ARGS)

lock: ## Pin the newest packages that pyproject.toml allows
	@scripts/setup run
	scripts/lock

clean: ## Remove everything generated, including .venv and node_modules
	rm -rf .venv node_modules build dist .serverless conversations_plus.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

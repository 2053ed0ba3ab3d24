.PHONY: demo check proof quick lock fmt app types
PY = .venv/bin/python
APP = src/lading/fronts/rest_api/web/index.html

demo: .venv/.ready           ## run the main job: push, share, copy, pull back, prove; no Docker, no network
	.venv/bin/lading demo
	@echo "The command is .venv/bin/lading; for your path: pipx install ."

check: .venv/.dev $(APP)     ## everything CI runs
	$(PY) -m tests.check

quick: .venv/.dev $(APP)     ## the half of it that takes seconds
	$(PY) -m tests.check --quick

proof: .venv/.dev $(APP)     ## long faults, stress and benchmarks, by hand; tables land in docs/proof/
	$(PY) -m tests.check --proof

types: .venv/.dev            ## what the web app knows of the API: its description, and types made of that
	$(PY) -m lading openapi > ui/openapi.json
	npm --prefix ui run --silent types

app: $(APP)                  ## the web app, built into the package (needs Node and its npm)

fmt: .venv/.dev
	.venv/bin/ruff format . && .venv/bin/ruff check --fix .

lock: .venv/.dev             ## renew requirements/*.txt from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml requirements/build.in -o requirements/run.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev pyproject.toml requirements/build.in -o requirements/dev.txt

.venv/.ready: requirements/run.txt pyproject.toml
	sh requirements/install.sh run
	touch $@

.venv/.dev: requirements/dev.txt pyproject.toml
	sh requirements/install.sh dev
	touch $@ .venv/.ready

$(APP): $(shell find ui -name node_modules -prune -o -type f -print)
	sh ui/build.sh

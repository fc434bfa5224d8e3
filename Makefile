# What a developer does often. None of it is needed to run the product: see bin/demo and bin/test.
PYTHON = bin/_python --with-tests
COMPILE = $(PYTHON) -m uv pip compile --universal --python-version 3.11 --generate-hashes --no-header

.PHONY: demo test test-slow lint format types lock

demo:
	bin/demo

test:
	bin/test

test-slow:
	bin/test -m slow

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -c "from importlinter.cli import lint_imports_command as lint; lint()"

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

types:
	bin/_python --with-tests -m tutorscore.embedded run -- env SECRET_KEY=only-for-types python -m mypy

# XGBoost's wheel asks for 469 MB of CUDA libraries that training on a CPU neither links nor loads.
lock:
	$(COMPILE) --no-emit-package nvidia-nccl-cu12 --output-file requirements.txt requirements.in
	$(COMPILE) --output-file requirements-dev.txt requirements-dev.in

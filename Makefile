# The same words for people and for CI. Every path is relative: make knows no spaces in names.
# Programs of the virtual environment run as modules: their scripts' first lines break in such paths.

python = .venv/bin/python
production = DEBUG=off BASE_URL=https://loyalty.example.org ALLOWED_HOSTS=loyalty.example.org \
	SECRET_KEY="$$($(python) -c 'import secrets; print(secrets.token_urlsafe(50))')" \
	DATABASE_URL=postgres://localhost/loyalty REDIS_URL=redis://localhost
templates = find templates -name '*.html' -print0 | xargs -0 .venv/bin/djade --target-version 5.2

unexport PYTHONDONTWRITEBYTECODE
.PHONY: run test check fix messages bench torture fuzz

# Installs what changed, then starts the whole site. PORT=8001 make run, HOST=0.0.0.0 make run, PYTHON=python3.12 make run
run:
	@sh .ci/install requirements.txt
	@exec $(python) manage.py start --end-with-parent

# make test ARGS="-k ledger"
test:
	@sh .ci/install requirements-dev.txt
	@exec $(python) -m pytest -n 2 $(ARGS)

# The server killed a hundred times under load, coupons stormed two hundred times; in make test it is a few times.
torture:
	@sh .ci/install requirements-dev.txt
	@TORTURE_KILLS=$${TORTURE_KILLS:-100} COUPON_ROUNDS=$${COUPON_ROUNDS:-200} exec $(python) -m pytest -s \
		tests/torture tests/rewards/domain/test_coupon_storms.py $(ARGS)

# What is tried at random in `make test`, for longer.
fuzz:
	@sh .ci/install requirements-dev.txt
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-500} FUZZ_STEPS=$${FUZZ_STEPS:-100000} FUZZ_SPLITS=$${FUZZ_SPLITS:-4000} \
		exec $(python) -m pytest -n 2 tests/loyalty_site/api/test_fuzz.py tests/rewards/domain/test_points_machine.py \
		tests/rewards/domain/statistics/test_simulations.py tests/rewards/domain/experiments/test_report.py tests/rewards/domain/experiments/test_costs.py \
		tests/surveys/domain/test_scoring_coverage.py tests/rewards/domain/test_checkout_offers.py \
		tests/rewards/domain/eligibility/test_any_offers_baskets_returns.py tests/rewards/domain/surprises/test_preview.py \
		tests/customers/domain/recommendations/test_runs.py tests/loyalty_site/api/test_fields.py $(ARGS)

check:
	@sh .ci/install requirements-dev.txt
	$(python) -m ruff format --check .
	$(python) -m ruff check .
	$(python) -m mypy .
	$(python) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(templates) --check
	@echo makemigrations --check
	@$(production) $(python) -W ignore manage.py makemigrations --check --dry-run
	@echo check --deploy
	@$(production) $(python) manage.py check --deploy --fail-level WARNING

fix:
	@sh .ci/install requirements-dev.txt
	$(python) -m ruff check --fix .
	git ls-files -z '*.py' | xargs -0 $(python) -m django_upgrade --target-version 5.2 --exit-zero-even-if-changed
	$(python) -m ruff format .
	-$(templates)

# Collects the texts people see and compiles their translations.
messages:
	@sh .ci/install requirements-dev.txt
	$(python) -m tests.translations

# This program beside what the machine allows; writes benchmarks/results.md. make bench ARGS="settle --rounds 3"
bench:
	@sh .ci/install requirements-dev.txt
	@exec $(python) -m benchmarks $(ARGS)

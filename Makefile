# The two commands that a newcomer needs are `make rehearsal` and `make test`.
SHELL := /bin/bash
# The distribution's Python, where it is new enough: it is compiled with optimisations that one compiled
# by hand often lacks, and then imports Prefect more than twice as fast.
DISTRIBUTION := $(shell /usr/bin/python3 -c \
    'import ensurepip, sys; print(sys.executable if sys.version_info >= (3, 11) else "")' 2>/dev/null)
PYTHON ?= $(or $(DISTRIBUTION),python3)
BIN := .venv/bin
# Three on two cores: who bakes mostly waits.
BY_THREE := --numprocesses 3 --dist loadfile --no-loadscope-reorder

# $(call INSTALL,chromium): what apt-get and dpkg print is shown if that fails. A source that cannot be
# reached matters only if a package is missing then.
define INSTALL
echo "Installing $(1) with apt-get …"; \
	    sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	    printed=$$($$sudo apt-get --quiet --quiet update 2>&1; \
	        $$sudo env DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet --yes --no-install-recommends \
	            install $(1) 2>&1) || { code=$$?; echo "$$printed" >&2; exit $$code; }
endef

# Tests are compiled once, and not by each worker anew, also where it is the habit to keep no bytecode.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: rehearsal test test-all twists check up up-shared down postgresql nginx setup system try-system kills kills-real bench clients \
	packer-and-aws try-packer-and-aws chromium notices policies policy-judge try-policy-judge crate-judge try-crate-judge

rehearsal: setup
	@$(BIN)/python -m deployments.rehearsal

# Where no sandbox can run or a client is missing, their tests are skipped, and pytest says why.
test: try-system try-packer-and-aws try-policy-judge try-crate-judge
	@$(BIN)/python -m pytest $(BY_THREE)

# Everything: what `make test` tries a share of (it says by which seed), whole; a bake killed in each step;
# the other clients; an hour and more on two cores.
test-all: setup clients
	@NOTEBAKE_TEST_ALL=1 $(BIN)/python -m pytest $(BY_THREE) tests tests/sandbox/kill_each_step.py

# A bake from each base image with a twist (docs/twists.md): a quarter of an hour.
twists: setup
	@$(BIN)/python -m tests.twists

check: .venv/ready
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest $(BY_THREE) -m "not sandbox"

# A run killed at every call and every command, with scripted hosts; and a real bake, killed in each step.
kills: .venv/ready
	@$(BIN)/python -m tests.kills

kills-real: setup
	@$(BIN)/python -m pytest tests/sandbox/kill_each_step.py

# Against Packer, in pairs, and where the seconds go. One part alone: make bench PART=breakdown
bench: setup packer-and-aws
	@$(BIN)/python -m benchmarks $(PART)

# Other tools that speak EC2, unmodified: the tests drive the sandbox with those that are there.
clients: .venv/ready packer-and-aws chromium postgresql nginx
	@$(BIN)/python -m tests.clients.install

packer-and-aws:
	@if ! packer version > /dev/null 2>&1 || ! aws --version > /dev/null 2>&1; then \
	    $(call INSTALL,packer awscli); \
	fi

# The browser in which `make test-all` presses the buttons of Prefect's UI.
chromium:
	@if ! command -v chromium > /dev/null; then \
	    $(call INSTALL,chromium); \
	fi

# Debian's package would start a server on port 5432 that nobody asked for.
postgresql: .venv/ready
	@if ! $(BIN)/python -m deployments.postgresql_programs > /dev/null 2>&1; then \
	    sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	    none=/etc/postgresql-common/createcluster.d/notebake.conf; \
	    $$sudo install -D --mode 644 /dev/stdin $$none <<< "create_main_cluster = false"; \
	    trap "$$sudo rm $$none" EXIT; \
	    $(call INSTALL,postgresql); \
	fi

# What judges the configuration of the proxy in the tests: unpacked, as its installation would listen
# on port 80.
nginx: .venv/ready
	@if ! command -v nginx > /dev/null && [ ! -x .venv/nginx/usr/sbin/nginx ]; then \
	    echo "Fetching nginx with apt-get …"; \
	    sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	    $$sudo apt-get --quiet --quiet update; \
	    mkdir --parents .venv/nginx && cd .venv/nginx && apt-get --quiet --quiet download nginx \
	        && dpkg-deb --extract nginx_*.deb . && rm nginx_*.deb; \
	fi

try-packer-and-aws:
	@$(MAKE) --no-print-directory packer-and-aws || true

# The policies of deployments/ and their table, made of what stands beside each call of AWS.
policies: .venv/ready
	@$(BIN)/python -m deployments.policies

# What judges the policies of deployments/ in the tests, from npm.
policy-judge: .venv/ready
	@$(BIN)/python -m tests.clients.install policy-judge

try-policy-judge: .venv/ready
	@$(BIN)/python -m tests.clients.install policy-judge || true

# What judges the crates of `history export --crate` in the tests, from PyPI.
crate-judge: .venv/ready
	@$(BIN)/python -m tests.clients.install crate-judge

try-crate-judge: .venv/ready
	@$(BIN)/python -m tests.clients.install crate-judge || true

up: setup
	@$(BIN)/python -m deployments.local up $(if $(YES),--yes)

# Several workers and PostgreSQL (docs/prefect-shared.md): make up-shared WORKERS=3
up-shared: setup postgresql
	@$(BIN)/python -m deployments.local up-shared --workers $(or $(WORKERS),2) $(if $(YES),--yes)

down:
	@$(BIN)/python -m deployments.local down $(if $(YES),--yes)

# Prefect sends notices by a block of its own: make notices BLOCK=slack-webhook/lab (docs/notices.md).
SERVER ?= http://127.0.0.1:4200
notices: .venv/ready
	@$(BIN)/python -m deployments.notices $(SERVER) $(BLOCK) $(if $(SHOWN),--shown $(SHOWN))

setup: system .venv/ready

# What the sandbox needs of this machine: says what is missing, installs what can be installed.
system:
	@$(PYTHON) -m sandbox install

try-system:
	@$(PYTHON) -m sandbox install || true

.venv/ready: requirements.txt requirements-uv.txt pyproject.toml
	@echo "Making the Python environment (once; a minute on a slow line) …"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip --quiet install --require-hashes --requirement requirements-uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps --editable .
	@echo "Compiling what commands import, and preparing Prefect's database (once; half a minute) …"
	@$(BIN)/python -m deployments.bytecode
	@$(BIN)/python -m flows.local_prefect.empty_database || true
	@touch $@

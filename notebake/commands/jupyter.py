"""JupyterLab as a service: on the loopback address only, with a token of its own on each machine.

A unit creates the token at the first boot that finds none; an image holds none. The token is in a
file that only root and the login user may read, never on a command line.
"""

from notebake.commands.apt import exempt_our_services
from notebake.commands.jupyter_units import (
    CONFIG_FILE,
    PAGE_CONFIG,
    START_JUPYTER,
    START_PROGRAM,
    TOKEN_FILE,
    TOKEN_SCRIPT,
    TOKEN_SERVICE,
    TOKEN_UNIT,
    jupyter_unit,
    server_config,
    token_program,
)
from notebake.commands.shell import as_root, script, variables, write_file
from notebake.commands.ssh_server import notice_lost_clients
from notebake.timeouts import JUPYTER_SECONDS

UNIT = "notebake-jupyter.service"
STILL_STARTING = 75
"""Exit code of `wait_for_jupyter` while no server answers (EX_TEMPFAIL, sysexits.h)."""
UNIT_DIRECTORY = "/etc/systemd/system"


def install_jupyter_service(
    *,
    user: str,
    port: int,
    working_directory: str,
    meanwhile: str = "",
    timeout_seconds: int = JUPYTER_SECONDS,
) -> str:
    """Return the root script that installs and starts the service, and waits until it answers.

    The script `meanwhile` runs while the service starts.
    """
    unit = jupyter_unit(user=user, working_directory=working_directory)
    return script(
        write_file(TOKEN_SCRIPT, token_program(user), mode="0755"),
        write_file(f"{UNIT_DIRECTORY}/{TOKEN_SERVICE}", TOKEN_UNIT),
        write_file(CONFIG_FILE, server_config(port)),
        write_file(START_PROGRAM, START_JUPYTER),
        write_file("/etc/jupyter/labconfig/page_config.json", PAGE_CONFIG),
        write_file(f"{UNIT_DIRECTORY}/{UNIT}", unit),
        notice_lost_clients(),
        "systemctl daemon-reload",
        f"systemctl --quiet enable {TOKEN_SERVICE} {UNIT}",
        f"systemctl restart {TOKEN_SERVICE} {UNIT}",
        exempt_our_services(),
        *([f"(\n{meanwhile}\n)"] if meanwhile else []),
        variables(port=port, timeout_seconds=timeout_seconds),
        WAIT.replace("IS_RUNNING", _starts_to_answer(port)),
    )


def jupyter_is_running(port: int) -> str:
    """Return the command that succeeds if the service is active and a Jupyter server answers."""
    return (
        f"systemctl is-active --quiet {UNIT}"
        f" && curl --fail --silent --max-time 5 --noproxy '*' http://127.0.0.1:{port:d}/api"
        " | grep --quiet version"
    )


def wait_for_jupyter(port: int, then: str = "true") -> str:
    """Return the command that runs `then` as soon as a Jupyter server answers.

    After four seconds without an answer it exits with STILL_STARTING: run it again. Polling on the
    host costs it less than one ssh command per attempt.
    """
    return (
        f"for _ in $(seq 20); do if {_starts_to_answer(port)}; then {then}; exit; fi;"
        f" sleep 0.2; done; exit {STILL_STARTING}"
    )


def _starts_to_answer(port: int) -> str:
    """Return bash's condition for a server that may be starting.

    Until something listens at the port, no program is started to ask: the server needs the
    processor itself. /dev/tcp is bash's own (bash(1), "REDIRECTION").
    """
    listens = f"{{ true < /dev/tcp/127.0.0.1/{port:d}; }} 2> /dev/null"
    return f"{listens} && {jupyter_is_running(port)}"


def find_port() -> str:
    """Return the command that prints the port of this service; nothing where there is none."""
    shown = f"sed -n 's/^c\\.ServerApp\\.port = //p' {CONFIG_FILE}"
    return f"if [ -r {CONFIG_FILE} ]; then {shown}; fi"


def read_token() -> str:
    """Return the command that prints the machine's token."""
    return as_root(f"cat {TOKEN_FILE}")


WAIT = r"""
is_running() { IS_RUNNING; }
SECONDS=0 reported=0
until is_running; do
    if [ "$SECONDS" -ge "$((reported + 30))" ]; then
        reported=$SECONDS
        echo "JupyterLab has been starting for $reported s"
    fi
    if [ "$SECONDS" -ge "$timeout_seconds" ]; then
        journalctl --no-pager --lines=30 --unit=notebake-jupyter >&2
        exit 1
    fi
    sleep "${pause:-0.2}"
done
echo "JupyterLab answers on 127.0.0.1:$port"
"""

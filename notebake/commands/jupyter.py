"""JupyterLab as a service: on the loopback address only, with a token of its own on each machine.

The token is made at the first boot that finds none; an image carries none. It stands in a file
that only root and the login user may read, never on a command line.
"""

from shlex import quote

from notebake.commands.apt import exempt_our_services
from notebake.commands.shell import OPEN_FILE_LIMITS, as_root, script, variables, write_file
from notebake.timeouts import JUPYTER_SECONDS

UNIT = "notebake-jupyter.service"
TOKEN_SERVICE = "notebake-jupyter-token.service"  # noqa: S105
TOKEN_FILE = "/etc/notebake/jupyter-token"  # noqa: S105
CONFIG_FILE = "/etc/notebake/jupyter_server_config.py"
TOKEN_SCRIPT = "/etc/notebake/make-jupyter-token"  # noqa: S105
UNIT_DIRECTORY = "/etc/systemd/system"
PYTHON = "/opt/notebake/python"


def install_jupyter_service(
    *, user: str, port: int, working_directory: str, patience_seconds: int = JUPYTER_SECONDS
) -> str:
    """Return the root script that installs the service, starts it, and waits until it answers."""
    unit = jupyter_unit(user=user, working_directory=working_directory)
    return script(
        write_file(TOKEN_SCRIPT, token_program(user), mode="0755"),
        write_file(f"{UNIT_DIRECTORY}/{TOKEN_SERVICE}", TOKEN_UNIT),
        write_file(CONFIG_FILE, server_config(port)),
        # The news of the project and its question whether to show them: no traffic unasked.
        write_file("/etc/jupyter/labconfig/page_config.json", PAGE_CONFIG),
        write_file(f"{UNIT_DIRECTORY}/{UNIT}", unit),
        "systemctl daemon-reload",
        f"systemctl --quiet enable {TOKEN_SERVICE} {UNIT}",
        f"systemctl restart {TOKEN_SERVICE} {UNIT}",
        exempt_our_services(),
        variables(port=port, patience_seconds=patience_seconds),
        WAIT.replace("IS_RUNNING", jupyter_is_running(port)),
    )


def jupyter_is_running(port: int) -> str:
    """Succeed if the service is active and a Jupyter server answers on its port."""
    return (
        f"systemctl is-active --quiet {UNIT}"
        f" && curl --fail --silent --max-time 5 --noproxy '*' http://127.0.0.1:{port:d}/api"
        " | grep --quiet version"
    )


def wait_for_jupyter(port: int) -> str:
    """Succeed as soon as a Jupyter server answers; fail after some four seconds.

    One question that waits costs the host less than many that do not.
    """
    running = jupyter_is_running(port)
    return f"for i in $(seq 20); do if {running}; then exit 0; fi; sleep 0.2; done; exit 1"


def read_token() -> str:
    """Print the machine's token."""
    return as_root(f"cat {TOKEN_FILE}")


def token_program(user: str) -> str:
    """Return the program that makes the token where there is none."""
    return f"""\
#!/bin/sh
set -eu
[ ! -s {TOKEN_FILE} ] || exit 0
umask 0077
token=$(od --address-radix=n --format=x1 --read-bytes=24 /dev/urandom | tr --delete ' \\n')
[ "${{#token}}" -eq 48 ]
echo "$token" > {TOKEN_FILE}.new
chmod 0400 {TOKEN_FILE}.new
chown {quote(user)} {TOKEN_FILE}.new
mv {TOKEN_FILE}.new {TOKEN_FILE}
"""


def server_config(port: int) -> str:
    """Return the server's configuration: Python, as Jupyter wants it."""
    return f"""\
from pathlib import Path

c = get_config()
c.IdentityProvider.token = Path("{TOKEN_FILE}").read_text().strip()
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.port = {port:d}
c.ServerApp.port_retries = 0
c.ServerApp.open_browser = False
c.ServerApp.allow_remote_access = False
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
# A kernel's first start reads its disk for the first time, too.
c.MappingKernelManager.kernel_info_timeout = {JUPYTER_SECONDS}
"""


def jupyter_unit(*, user: str, working_directory: str) -> str:
    """Return the service's unit. It waits for the mounts below its directory.

    A kernel that runs out of memory ends alone: by default systemd would stop the server with it.
    """
    directory = working_directory.replace("%", "%%")
    return f"""\
[Unit]
Description=JupyterLab on the loopback address
Requires={TOKEN_SERVICE}
After=network.target local-fs.target notebake-instance-store.service {TOKEN_SERVICE}
RequiresMountsFor={directory}

[Service]
User={user}
WorkingDirectory={directory}
EnvironmentFile=-/etc/environment
Environment=PATH={PYTHON}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart={PYTHON}/bin/jupyter-lab --config={CONFIG_FILE}
Restart=on-failure
RestartSec=2
KillMode=mixed
LimitNOFILE={OPEN_FILE_LIMITS}
TimeoutStopSec=20
OOMPolicy=continue

[Install]
WantedBy=multi-user.target
"""


TOKEN_UNIT = f"""\
[Unit]
Description=A token for JupyterLab, new on each machine
After=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={TOKEN_SCRIPT}

[Install]
WantedBy=multi-user.target
"""

PAGE_CONFIG = """\
{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}
"""

WAIT = r"""
is_running() { IS_RUNNING; }
SECONDS=0 told=0
until is_running; do
    if [ "$SECONDS" -ge "$((told + 30))" ]; then
        told=$SECONDS
        echo "JupyterLab has been starting for $told s"
    fi
    if [ "$SECONDS" -ge "$patience_seconds" ]; then
        journalctl --no-pager --lines=30 --unit=notebake-jupyter >&2
        exit 1
    fi
    sleep "${pause:-0.2}"
done
echo "JupyterLab answers on 127.0.0.1:$port"
"""

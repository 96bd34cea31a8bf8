"""The files of the JupyterLab service: systemd units, configuration, and the token program."""

from shlex import quote

from notebake.commands.shell import OPEN_FILE_LIMITS
from notebake.timeouts import JUPYTER_SECONDS

TOKEN_SERVICE = "notebake-jupyter-token.service"  # noqa: S105
TOKEN_FILE = "/etc/notebake/jupyter-token"  # noqa: S105
TOKEN_SCRIPT = "/etc/notebake/make-jupyter-token"  # noqa: S105
CONFIG_FILE = "/etc/notebake/jupyter_server_config.py"
PYTHON = "/opt/notebake/python"


def token_program(user: str) -> str:
    """Return the program that creates the token if there is none."""
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
    """Return the server's configuration file, which Jupyter reads as Python."""
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
# The first start of a kernel also reads its disk for the first time.
c.MappingKernelManager.kernel_info_timeout = {JUPYTER_SECONDS}
"""


def jupyter_unit(*, user: str, working_directory: str) -> str:
    """Return the service's unit, which waits for the mounts below its working directory.

    A kernel that runs out of memory ends alone (OOMPolicy): by default systemd would stop the
    whole server.
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
"""Disables the project's news and the question whether to show them, which cause traffic."""

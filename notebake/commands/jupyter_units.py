"""The files of the JupyterLab service: systemd units, configuration, and the token program."""

from shlex import quote

from notebake.commands.shell import OPEN_FILE_LIMITS
from notebake.timeouts import JUPYTER_SECONDS

TOKEN_SERVICE = "notebake-jupyter-token.service"  # noqa: S105
TOKEN_FILE = "/etc/notebake/jupyter-token"  # noqa: S105
TOKEN_SCRIPT = "/etc/notebake/make-jupyter-token"  # noqa: S105
CONFIG_FILE = "/etc/notebake/jupyter_server_config.py"
START_PROGRAM = "/etc/notebake/start-jupyterlab"
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


START_JUPYTER = '''\
"""Runs a program of Jupyter without what it would load in vain: two thirds of its start.

jsonschema (4.26, _format.py) imports rfc3987_syntax to check "iri", a format that no schema of
Jupyter uses, and the import (1.1, syntax_helpers.py) makes two parsers from its grammar. Here a
stand-in has its name until something of it is used.
"""

import importlib
import importlib.util
import runpy
import sys
from types import ModuleType

NAME = "rfc3987_syntax"


def load():
    if isinstance(sys.modules.get(NAME), StandIn):
        del sys.modules[NAME]
    return importlib.import_module(NAME)


class StandIn(ModuleType):
    @staticmethod
    def is_valid_syntax(*given, **named):
        return load().is_valid_syntax(*given, **named)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(load(), name)


if spec := importlib.util.find_spec(NAME):
    stand_in = sys.modules[NAME] = StandIn(NAME)
    stand_in.__spec__, stand_in.__path__ = spec, spec.submodule_search_locations
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
'''


def jupyter_unit(*, user: str, working_directory: str) -> str:
    """Return the service's unit, which waits for the mounts below its working directory.

    A kernel that runs out of memory ends alone (OOMPolicy): by default systemd would stop the
    whole server. Ubuntu's /etc/environment holds a PATH, before which Environment= would count for
    nothing (systemd.exec(5), "EnvironmentFile="): so env(1) sets it.
    """
    directory = working_directory.replace("%", "%%")
    path = f"{PYTHON}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    program = f"{PYTHON}/bin/python {START_PROGRAM} {PYTHON}/bin/jupyter-lab --config={CONFIG_FILE}"
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
ExecStart=/usr/bin/env PATH={path} {program}
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

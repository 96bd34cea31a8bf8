"""The lock file of the Pythons on an image: what decides which wheels fit, and where they are from.

`environment` is the Python of the image's environment, `system` the distribution's, of which
papermill's environment is made.
"""

from shlex import quote

from notebake.commands.shell import home_of
from notebake.commands.uv import PRINT_CONFIGURED_INDEX

LOCK_FILE = "python.json"
FORMAT = 1
DESCRIBE = """\
import json, platform, sys

libc, libc_version = platform.libc_ver()
print(json.dumps({
    "version": platform.python_version(),
    "implementation": platform.python_implementation(),
    "system": platform.system(),
    "machine": platform.machine(),
    "libc": libc,
    "libc_version": libc_version,
    "kernel": platform.release(),
}, sort_keys=True))
"""
PRINT_INDEX_AS_JSON = f"""\
import contextlib, io, json, os, re

configured = io.StringIO()
with contextlib.redirect_stdout(configured):
    exec({PRINT_CONFIGURED_INDEX!r})
asked = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL")
print(json.dumps(re.sub("(?<=://)[^/@\\\\s]*@", "", asked or configured.getvalue().strip())))
"""
"""Prints the index that was configured, without a login; "" if it was the default one."""

WRITE = r"""
{
    printf '{"format": FORMAT,\n "environment": '
    "$root/python/bin/python" -I -c DESCRIBE
    printf ',\n "system": '
    "$(command -v python3)" -I -c DESCRIBE
    printf ',\n "index": '
    HOME=OWN_HOME "$(command -v python3)" -I -c INDEX
    printf '}\n'
} | keep LOCK_FILE
"""


def write_python_lock(user: str) -> str:
    """Return root's commands that write it; they need `root` and `keep` (`DEFINE_LOCKING`)."""
    values = {
        "FORMAT": str(FORMAT),
        "DESCRIBE": quote(DESCRIBE),
        "OWN_HOME": home_of(user),
        "INDEX": quote(PRINT_INDEX_AS_JSON),
        "LOCK_FILE": LOCK_FILE,
    }
    text = WRITE
    for name, value in values.items():
        text = text.replace(name, value)
    return text

"""The lock file of the Pythons on an image: what decides which wheels fit, and where they are from.

`environment` is the Python of the image's environment, `system` the distribution's, of which
papermill's environment is made.
"""

from shlex import quote

from notebake.commands.shell import as_user, variables
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

PRINT = r"""
printf '{"format": FORMAT,\n "environment": '
"$root/python/bin/python" -I -S -c DESCRIBE
printf ',\n "system": '
"$(command -v python3)" -I -S -c DESCRIBE
printf ',\n "index": '
"$(command -v python3)" -I -S -c INDEX
printf '}\n'
"""


def write_python_lock(user: str, root: str) -> str:
    """Return root's commands that write it; they need `keep` (`DEFINE_LOCKING`).

    The environment belongs to the user, so root runs none of its programs.
    """
    text = PRINT
    for name, value in (
        ("FORMAT", str(FORMAT)),
        ("DESCRIBE", quote(DESCRIBE)),
        ("INDEX", quote(PRINT_INDEX_AS_JSON)),
    ):
        text = text.replace(name, value)
    return f"{as_user(user, variables(root=root), text)} | keep {LOCK_FILE}"

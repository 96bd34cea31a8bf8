"""The page that logs a browser in, and the commands for those who do without `open`.

The token must not stand in the arguments of a browser's process, which everybody on the computer
can list. So the browser is opened at a file that only the user may read, and that leads on to
JupyterLab, as Jupyter itself does it (jupyter_server, serverapp.py, `browser_open_file`).
"""

import html
import json
import os
import shlex
import sys
import webbrowser
from pathlib import Path
from urllib.parse import urlencode

from notebake.local.atomic_files import write_file
from notebake.servers.folders import KeptServer, folder_of
from notebake.servers.ssh_config import KEEPALIVE_SECONDS, quote
from notebake.ssh import host as hosts
from notebake.ssh.host import Host

PAGE_NAME = "open.html"


def url_of(port: int, token: str) -> str:
    """Return the address of JupyterLab that logs a browser in; it holds the token."""
    return f"http://127.0.0.1:{port}/lab?{urlencode({'token': token})}"


def write_page(server: KeptServer, url: str) -> Path:
    """Write the page, which only the user may read, and return its path."""
    path, name = folder_of(server) / PAGE_NAME, html.escape(server.name)
    shown = html.escape(url, quote=True)
    content = (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8">\n'
        f'<meta http-equiv="refresh" content="0; url={shown}">\n'
        f"<title>{name}</title></head>\n"
        f"<body><script>location.replace({_in_script(url)})</script>\n"
        f'<p><a href="{shown}">JupyterLab on {name}</a></p></body></html>\n'
    )
    write_file(path, content.encode())
    return path


def _in_script(text: str) -> str:
    return json.dumps(text).replace("<", "\\u003c")


def remove_page(server: KeptServer) -> None:
    """Remove the page, which holds the token."""
    (folder_of(server) / PAGE_NAME).unlink(missing_ok=True)


def open_browser(page: Path) -> bool:
    """Open the page in the user's browser; return whether there is one."""
    if sys.platform.startswith("linux") and not os.environ.get("BROWSER") and not _has_display():
        return False  # a browser in the terminal would take it over
    return webbrowser.open(page.as_uri())


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def ssh_command(
    host: Host,
    known_hosts: Path,
    *,
    port: int | None,
    jupyter_port: int | None,
    platform: str = sys.platform,
) -> str:
    """Return the plain ssh command, with a tunnel if there are ports, for a shell of the system.

    It uses no settings of the user and takes no host key but the pinned one.
    """
    options = {
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": quote(known_hosts),
        "HostKeyAlias": host.instance_id,
        "StrictHostKeyChecking": "yes",
        "ServerAliveInterval": str(KEEPALIVE_SECONDS),
    }
    words = ["ssh", "-F", "none", "-i", host.private_key_path.replace("%", "%%")]
    if port and jupyter_port:
        options["ExitOnForwardFailure"] = "yes"
        words += ["-N", "-L", f"127.0.0.1:{port}:localhost:{jupyter_port}"]
    if hosts.SSH_PORT != 22:
        words += ["-p", str(hosts.SSH_PORT)]
    for key, value in options.items():
        words += ["-o", f"{key}={value}"]
    words.append(f"{host.user}@{host.address}")
    return _join(words, platform)


def _join(words: list[str], platform: str) -> str:
    """Return the words as they are typed in a POSIX shell, or in PowerShell.

    Windows PowerShell 5 drops quotes within an argument unless they are escaped with a backslash,
    too.
    """
    if platform != "win32":
        return shlex.join(words)
    return " ".join(_for_powershell(word) for word in words)


def _for_powershell(word: str) -> str:
    if all(letter.isalnum() or letter in "-._=:/\\@" for letter in word) and "@" not in word[:1]:
        return word
    return "'{}'".format(word.replace("'", "''").replace('"', '\\"'))

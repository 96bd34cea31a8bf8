"""The kernels of JupyterLab, asked by its own token and without counting as activity there."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from notebake.machines.idle.settings import Limits
from notebake.machines.idle.signals import ANSWERS, SILENT, STOPPED, Kernel
from notebake.machines.idle.times import parse_time

TIMEOUT_SECONDS = 10


def read_kernels(limits: Limits) -> tuple[str, tuple[Kernel, ...], list[str]]:
    """Return whether JupyterLab answers (ANSWERS, SILENT or STOPPED), its kernels, complaints."""
    try:
        token = Path(limits.token_file).read_text(encoding="ascii").strip()
        kernels = _ask(limits.jupyter_port, "/api/kernels", token)
        sessions = _ask(limits.jupyter_port, "/api/sessions", token)
        found = tuple(parse_kernels(kernels, sessions, Path(limits.jupyter_folder)))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        state = SILENT if is_running(limits.jupyter_unit) else STOPPED
        return state, (), [f"JupyterLab {state}: {error!r}"]
    return ANSWERS, found, []


def _ask(port: int, path: str, token: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        # Else the question would be activity (jupyter_server 2.21, base/handlers.py).
        connection.request(
            "GET", f"{path}?no_track_activity=1", headers={"Authorization": f"token {token}"}
        )
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise http.client.HTTPException(f"{path} answers {answer.status}")
    return json.loads(body)


def parse_kernels(
    kernels: Sequence[Mapping[str, Any]], sessions: Sequence[Mapping[str, Any]], folder: Path
) -> list[Kernel]:
    """Return the kernels, each with the path of its notebook where a session has one."""
    paths = {each["kernel"]["id"]: str(each["path"]) for each in sessions if each.get("kernel")}
    return [
        Kernel(
            name=paths.get(kernel["id"]) or f"a kernel {kernel['name']} without a notebook",
            state=str(kernel["execution_state"]),
            last_activity=parse_time(kernel["last_activity"]),
            saved=_saved(folder, paths.get(kernel["id"], "")),
        )
        for kernel in kernels
    ]


def _saved(folder: Path, path: str) -> float | None:
    """Return when a notebook was last saved; None where there is none at this path."""
    try:
        return (folder / path).stat().st_mtime if path else None
    except (OSError, ValueError):
        return None


def is_running(unit: str) -> bool:
    """Return whether the service runs, starts or ends; True if systemd does not say."""
    done = subprocess.run(
        ["systemctl", "show", "--property=ActiveState", "--value", unit],
        stdout=subprocess.PIPE,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return done.stdout.strip() not in (b"inactive", b"failed")

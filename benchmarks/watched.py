"""Which functions of the product and its libraries are watched, and what a call of each is called.

A name is made from the call's own arguments.
"""

import re
from collections.abc import Callable
from typing import Any

from benchmarks.attribution import SERVER

Name = Callable[..., str]


def constant(text: str) -> Name:
    """Return a name that is always the same."""
    return lambda *_, **__: text


def _command(_host: Any, command: str, *_: Any) -> str:
    """Return what is asked of a host: detached work by its name, the rest by its first words."""
    work = re.search(r"/run/notebake/work/([a-z_]+)", command)
    return f"detached {work[1]}" if work else " ".join(command.split())[:60]


def _operation(client: Any, operation: str, *_: Any, **__: Any) -> str:
    return f"{client.meta.service_model.service_name} {operation}"


def _waited_for(*_: Any, what: str, **__: Any) -> str:
    return f"wait for {what}"


WATCHED: dict[str, dict[str, tuple[str, Name]]] = {
    "notebake.runbook.step": {"carry_out": ("own code", lambda step, _: f"step {step.name}")},
    "notebake.waiting": {"wait_until": ("EC2 states", _waited_for)},
    "notebake.ssh.login": {"log_in": ("connecting", lambda host: f"log in to {host.instance_id}")},
    "notebake.ssh.connection": {
        "run": ("remote work", _command),
    },
    "notebake.ssh.file_transfer": {
        "sftp_client": ("remote work", lambda _, path: f"file {path}"),
    },
    "notebake.ssh.detached": {
        "run_detached": (
            "remote work",
            lambda _, name, *__, **___: f"detached {name.split('-')[0]}",
        ),
    },
    "notebake.jupyter.checks": {"check_server": ("remote work", constant("JupyterLab by tunnel"))},
    "notebake.store.directory": {
        f"DirectoryStore.{name}": ("run store", constant(name))
        for name in ("read", "create", "replace", "write", "list", "list_top_level", "delete")
    },
    "botocore.client": {"BaseClient._make_api_call": ("AWS calls", _operation)},
    "boto3.session": {
        "Session.client": ("AWS calls", lambda _, name, **__: f"make a client of {name}")
    },
    "flows.local_prefect.server": {
        "wait_for_server": (SERVER, constant("wait for Prefect's server")),
        "stop_server": (SERVER, constant("end Prefect's server")),
    },
    "prefect.flows": {"Flow.__call__": ("Prefect", lambda flow, **_: f"flow {flow.name}")},
    "prefect.tasks": {
        "Task.__call__": ("Prefect", lambda task, *_: f"task {task.name}"),
        "Task.submit": ("Prefect", lambda task, *_: f"task {task.name}"),
    },
    "prefect.logging.handlers": {"APILogHandler.flush": ("Prefect", constant("hand over the log"))},
}
WAITS_FOR_HOSTS = ("wait for ssh", "wait for JupyterLab", "wait for the console")

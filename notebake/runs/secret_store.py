"""The secrets of a run: its private keys. They are never stored on S3 or in launch parameters.

If the run store is a directory, a secret is a private file in it. If the run store is on S3, the
secret is an SSM SecureString in the recipe's region, and the store has a note of it.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from notebake.errors import RunStoreError
from notebake.local.atomic_files import write_file
from notebake.local.home import home
from notebake.runs.open_store import open_store
from notebake.runs.run import Run

PLACEHOLDER = re.compile(r"@notebake-secret:([a-z][a-z0-9-]*)@")


def record_secret(run: Run, name: str, value: str) -> str:
    """Record the secret unless one is recorded under the name; return the recorded secret."""
    store, key = open_store(run.store), _key(run, name)
    if store.local_path(key) is None:
        from notebake.aws import ssm

        # The note is written first, so that `delete_secrets` finds the parameter after a kill.
        place = ssm.parameter_name(run, name)
        store.create(key, f"SecureString {place} in {run.recipe.region}\n".encode())
        return ssm.keep_parameter(run, name, value)
    store.create(key, value.encode())
    stored = store.read(key)
    if stored is None:
        raise RunStoreError(f"{store.where(key)} was written and has disappeared.")
    return stored.content.decode()


def read_secret(run: Run, name: str) -> str | None:
    """Return the secret, or None if none is recorded."""
    store, key = open_store(run.store), _key(run, name)
    if store.local_path(key) is None:
        from notebake.aws import ssm

        return ssm.read_parameter(run, name)
    stored = store.read(key)
    return stored.content.decode() if stored else None


def secret_file(run: Run, name: str, secret: str) -> Path:
    """Return a private file of this machine that contains the secret.

    It is the file in the run store, or a copy. The copy is written if it is missing or outdated, as
    after a tear-down and a new start on another machine.
    """
    in_store = open_store(run.store).local_path(_key(run, name))
    if in_store is not None:
        return in_store
    copy = local_copies(run) / name
    if not copy.exists() or copy.read_text() != secret:
        write_file(copy, secret.encode())
    return copy


def delete_secrets(run: Run) -> None:
    """Delete the remote secrets of a run without resources, and this machine's copies of them.

    Private keys in a run store on this machine stay: no machine accepts them any more.
    """
    store = open_store(run.store)
    keys = [key for key in store.list(f"{run.id}/keys/") if "." not in key.rpartition("/")[2]]
    remote = [key for key in keys if store.local_path(key) is None]
    if not remote:
        return
    from notebake.aws import ssm

    ssm.delete_parameters(run, [key.rpartition("/")[2] for key in remote])
    shutil.rmtree(local_copies(run), ignore_errors=True)
    for key in remote:
        store.delete(key)


def local_copies(run: Run) -> Path:
    """Return the directory with this machine's copies of the run's secrets."""
    return home() / "keys" / run.id


def placeholder(name: str) -> str:
    """Return the placeholder of a secret in recorded parameters."""
    return f"@notebake-secret:{name}@"


def fill_secrets(run: Run, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return launch parameters with secrets in place of placeholders, byte for byte repeatable.

    User data is JSON (`user_data`), so secrets are escaped as in JSON.

    Raises:
        RunStoreError: a secret is not recorded.
    """
    text = parameters.get("UserData")
    if not isinstance(text, str):
        return parameters

    def secret_in_json(found: re.Match[str]) -> str:
        secret = read_secret(run, found[1])
        if secret is None:
            raise RunStoreError(f"Run {run.id} has no secret {found[1]}.")
        return json.dumps(secret.strip())[1:-1]

    return parameters | {"UserData": PLACEHOLDER.sub(secret_in_json, text)}


def _key(run: Run, name: str) -> str:
    return f"{run.id}/keys/{name}"

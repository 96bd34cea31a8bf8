"""Secrets of a run: its private keys. They never lie on S3, and in no launch parameter.

With a run store on this machine a secret is a private file of it. With one on S3 it is a
SecureString in the recipe's region, and the store only says that there is one.
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


def keep_secret(run: Run, name: str, value: str) -> str:
    """Return what was kept first under the name: this value, or that of an earlier try."""
    store, key = open_store(run.store), _key(run, name)
    if store.local_path(key) is None:
        from notebake.aws import ssm

        # First that there will be one: whatever is killed in between, `forget_secrets` knows it.
        place = ssm.parameter_name(run, name)
        store.create(key, f"SecureString {place} in {run.recipe.region}\n".encode())
        return ssm.keep_parameter(run, name, value)
    store.create(key, value.encode())
    kept = store.read(key)
    if kept is None:
        raise RunStoreError(f"{store.where(key)} was written and is gone.")
    return kept.content.decode()


def read_secret(run: Run, name: str) -> str | None:
    """Return the secret, or None where none is kept."""
    store, key = open_store(run.store), _key(run, name)
    if store.local_path(key) is None:
        from notebake.aws import ssm

        return ssm.read_parameter(run, name)
    kept = store.read(key)
    return kept.content.decode() if kept else None


def file_of_secret(run: Run, name: str, secret: str) -> Path:
    """Return a private file of this machine that holds a secret of the run.

    It is the one in the run store, or a copy, written where it is missing or of an earlier secret:
    the run may have been torn down elsewhere, and begun anew.
    """
    in_store = open_store(run.store).local_path(_key(run, name))
    if in_store is not None:
        return in_store
    copy = local_copies(run) / name
    if not copy.exists() or copy.read_text() != secret:
        write_file(copy, secret.encode())
    return copy


def forget_secrets(run: Run) -> None:
    """Remove the secrets of a run of which nothing is left, and this machine's copies of them.

    Files in a run store on this machine stay with the run: they open nothing any more.
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
    """Return the directory of this machine's copies of a run's secrets."""
    return home() / "keys" / run.id


def placeholder(name: str) -> str:
    """Return what stands for a secret in parameters that are kept before they are sent."""
    return f"@notebake-secret:{name}@"


def fill_secrets(run: Run, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return launch parameters as they are sent, each time byte for byte the same.

    User data is JSON (`user_data`), so a secret is written into it as JSON writes it.

    Raises:
        RunStoreError: a secret that is asked for is not kept.
    """
    text = parameters.get("UserData")
    if not isinstance(text, str):
        return parameters

    def secret_in_json(found: re.Match[str]) -> str:
        secret = read_secret(run, found[1])
        if secret is None:
            raise RunStoreError(f"Run {run.id} keeps no secret {found[1]}.")
        return json.dumps(secret.strip())[1:-1]

    return parameters | {"UserData": PLACEHOLDER.sub(secret_in_json, text)}


def _key(run: Run, name: str) -> str:
    return f"{run.id}/keys/{name}"

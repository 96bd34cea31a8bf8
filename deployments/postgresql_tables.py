"""Prefect's tables in PostgreSQL, made once before its server starts."""

import subprocess

from deployments.postgresql import DATABASE, cluster_url, query
from flows.local_prefect.prefect_program import PREFECT
from flows.local_prefect.server import DATABASE_VARIABLE, server_environment
from notebake.errors import NotebakeError
from notebake.local.home import home


def has_tables() -> bool:
    """Return whether Prefect's migrations have made tables in its database."""
    return bool(query(DATABASE, "SELECT to_regclass('alembic_version')"))


def make_tables() -> None:
    """Have Prefect's own migrations make its tables; its server would do so without a word.

    Raises:
        NotebakeError: they failed; the message has the end of their output.
    """
    done = subprocess.run(
        [*PREFECT, "server", "database", "upgrade", "-y"],
        env=server_environment("") | {DATABASE_VARIABLE: cluster_url()},
        cwd=home(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join(f"{done.stdout}{done.stderr}".splitlines()[-15:])
        raise NotebakeError(f"Prefect could not make its tables in PostgreSQL:\n{tail}")

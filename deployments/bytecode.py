"""Compiles what every command waits for, once per Python environment.

uv installs packages without bytecode. Python compiles what it imports and keeps the result, but not
where PYTHONDONTWRITEBYTECODE is set, as in many containers: there each start would compile Prefect
and boto3 again, for many seconds. What is already compiled is read there like anywhere else.

    python -m deployments.bytecode
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

PROGRAMS = (
    ("flows.cli.main", "flows.cli.build", "flows.cli.execution", "flows.build_image"),
    ("flows.local_prefect.server_program", "uvicorn", "prefect.server.api.server"),
    ("sandbox.__main__", "sandbox.api.server"),
)
"""The modules of programs that start often; each program is imported by itself."""
NOT_WRITING = "PYTHONDONTWRITEBYTECODE"
LIMIT_SECONDS = 600


def compile_programs(programs: Sequence[tuple[str, ...]] = PROGRAMS) -> None:
    """Import the programs at once, each in a process that keeps the bytecode.

    Raises:
        RuntimeError: one cannot be imported.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(programs)) as pool:
        kept = {name: text for name, text in os.environ.items() if name != NOT_WRITING}
        own = {"HOME": folder, "PREFECT_HOME": folder, "DO_NOT_TRACK": "1"}
        futures = [pool.submit(import_program, modules, kept | own) for modules in programs]
        for future in futures:
            future.result()


def import_program(modules: tuple[str, ...], environment: Mapping[str, str]) -> None:
    """Import the modules of a program in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {', '.join(modules)}"],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(modules)} cannot be imported:\n{done.stderr}")


if __name__ == "__main__":
    compile_programs()

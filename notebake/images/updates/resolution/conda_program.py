"""Prints which conda packages rattler would install, as JSON; a program of its own.

rattler's threads may crash the interpreter's shutdown (0.28.0), and its settings are variables of
the environment: so it runs apart. The input is JSON: the subdirectory of the image's platform, and
for each environment its channels and specifications.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from notebake.conda.channels import channel_names
from notebake.conda.errors import CondaError, explain_download_error


async def solve_all(job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return for each environment its channels, and the version and build of each package."""
    from rattler import Gateway
    from rattler.exceptions import FetchRepoDataError, GatewayError
    from rattler.platform import Subdir

    from notebake.conda.configuration import Configuration
    from notebake.conda.solve import solve_specs

    configuration = Configuration(folder / "cache", folder / "logins.json")
    configuration.platforms = [Subdir(job["subdir"]), Subdir("noarch")]
    gateway = Gateway(cache_dir=folder / "repodata", client=configuration.client())
    solved = {}
    for name, asked in job["environments"].items():
        channels = channel_names(asked["channels"], configuration.settings)
        try:
            records = await solve_specs(configuration, gateway, channels, asked["specs"])
        except (GatewayError, FetchRepoDataError) as error:
            raise CondaError(explain_download_error(str(error))) from None
        solved[name] = {
            "channels": configuration.urls(channels),
            "packages": {
                record.name.normalized: [str(record.version), str(record.build)]
                for record in records
            },
        }
    return solved


def main() -> int:
    """Return the exit code; a fault is printed to stderr as one paragraph."""
    with tempfile.TemporaryDirectory(prefix="notebake-") as folder:
        try:
            solved = asyncio.run(solve_all(json.load(sys.stdin), Path(folder)))
        except ImportError as error:
            sys.stderr.write(f"{error.name} is not installed on this computer\n")
            return 1
        except CondaError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    sys.stdout.write(json.dumps(solved))
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

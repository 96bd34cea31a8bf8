"""Installs conda environments on the host, by a job in JSON; runs in rattler's environment.

rattler installs as conda does, link scripts included. The program prints its progress. If packages
cannot be installed, it prints one paragraph about the reason and exits with 1.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from rattler import Client, Gateway, install
from rattler.exceptions import (
    FetchRepoDataError,
    GatewayError,
    InstallerError,
    IoError,
    LinkError,
    TransactionError,
)
from rattler.repo_data import RepoDataRecord

from notebake.conda.channels import channel_names
from notebake.conda.configuration import Configuration
from notebake.conda.errors import CondaError, explain_download_error
from notebake.conda.prefix import activate_kernels, write_condarc, write_history, write_variables
from notebake.conda.solve import solve_specs

REPODATA = "repodata"
BASE_SPECS = ("conda",)
"""The content of the base environment, which provides conda itself."""
DOWNLOAD_ERRORS = (
    *(GatewayError, FetchRepoDataError, InstallerError),
    *(IoError, LinkError, TransactionError),
)


async def build(job: Mapping[str, Any], configuration: Configuration) -> None:
    """Install the environment, and the base environment with conda itself if it is missing."""
    base, prefix = Path(job["base"]), Path(job["prefix"])
    configuration.urls(channel_names(job["channels"], configuration.settings))
    client = configuration.client()
    with_conda = not (base / ".condarc").exists()
    try:
        solutions = await solve_job(job, configuration, client, with_conda=with_conda)
    except GatewayError as error:
        # rattler 0.28 revalidates a cached index, but fails on a "304 Not Modified" that has no
        # validator.
        if "304" not in str(error):
            raise
        shutil.rmtree(configuration.cache / REPODATA)
        solutions = await solve_job(job, configuration, client, with_conda=with_conda)
    for path, records in solutions.items():
        size = f"{sum(record.size or 0 for record in records) / 1e6:.0f} MB"
        print_line(f"conda: installing {len(records)} packages into {path}, {size}")
        await reinstall(path, records, configuration, client)
        write_history(path, job["specs"] if path == prefix else BASE_SPECS)
    write_variables(prefix, job["variables"])
    activate_kernels(prefix)
    write_condarc(base, configuration.settings)


async def solve_job(
    job: Mapping[str, Any], configuration: Configuration, client: Client, *, with_conda: bool
) -> dict[Path, list[RepoDataRecord]]:
    """Return the packages of each environment to install, before any package is downloaded."""
    gateway = Gateway(cache_dir=configuration.cache / REPODATA, client=client)
    channels = channel_names(job["channels"], configuration.settings)
    prefix = Path(job["prefix"])
    solutions = {prefix: await solve_specs(configuration, gateway, channels, job["specs"])}
    if with_conda:
        channels, specs = channel_names([], configuration.settings), dict.fromkeys(BASE_SPECS, 0)
        try:
            conda = await solve_specs(configuration, gateway, channels, specs)
        except CondaError as error:
            raise CondaError(f"conda itself cannot be installed on the image. {error}") from None
        solutions[Path(job["base"])] = conda
    return solutions


async def reinstall(
    path: Path, records: list[RepoDataRecord], configuration: Configuration, client: Client
) -> None:
    """Install packages into an empty prefix, after removing a partial installation."""
    shutil.rmtree(path, ignore_errors=True)
    await install(
        records,
        path,
        cache_dir=configuration.cache / "packages",
        client=client,
        execute_link_scripts=True,
        show_progress=False,
    )


def print_line(text: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def print_sites(job: Mapping[str, Any], configuration: Configuration) -> None:
    """Print the URLs that the installation will use, for a check that they are reachable.

    It prints none if conda's settings name a proxy, which only rattler uses.
    """
    if configuration.settings.get("proxy_servers"):
        return
    mirrored = set(configuration.mirrors())
    for url in configuration.urls(channel_names(job["channels"], configuration.settings)):
        if urlsplit(url).scheme in {"http", "https"} and url not in mirrored:
            print_line(url)


def run(action: str, job: Mapping[str, Any]) -> None:
    """Carry out the action `sites` or `build`; CondaError if the packages cannot be installed."""
    with TemporaryDirectory(dir=job["private"]) as private:
        configuration = Configuration(Path(job["cache"]), Path(private, "logins.json"))
        if action == "sites":
            print_sites(job, configuration)
            return
        try:
            asyncio.run(build(job, configuration))
        except DOWNLOAD_ERRORS as error:
            raise CondaError(explain_download_error(str(error))) from None


def main() -> int:
    """Return the exit code; a CondaError is printed to stderr as one paragraph."""
    action, path = sys.argv[1:]
    try:
        run(action, json.loads(Path(path).read_text(encoding="utf-8")))
    except CondaError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # rattler's threads may still run, and would crash during the interpreter's shutdown (0.28.0).
    os._exit(code)

"""Makes conda environments on the host: it goes along as text and runs in rattler's environment.

rattler solves and installs as conda does: channels in order and strictly, the machine's virtual
packages, link scripts. It is given a job in JSON, and writes for people what it does. It ends with
1 and one paragraph where something cannot be had.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rattler import Channel, Client, Gateway, MatchSpec, install, solve
from rattler.exceptions import (
    FetchRepoDataError,
    GatewayError,
    InstallerError,
    InvalidMatchSpecError,
    IoError,
    LinkError,
    SolverError,
    TransactionError,
)
from rattler.repo_data import RepoDataRecord
from rattler.virtual_package import VirtualPackage, VirtualPackageOverrides

from notebake.conda.activation import activate_kernels, keep_variables
from notebake.conda.channels import wanted_channels
from notebake.conda.machine import Machine
from notebake.conda.prefix import write_condarc, write_history
from notebake.conda.trouble import TroubleError, explain_conflict, explain_fetching

REPODATA = "repodata"
ITSELF = ("conda",)
"""What the environment holds in which people find conda."""
FETCHING = (GatewayError, FetchRepoDataError, InstallerError, IoError, LinkError, TransactionError)


async def solve_all(
    machine: Machine, gateway: Gateway, channels: list[str], specs: Mapping[str, int]
) -> list[RepoDataRecord]:
    """Return the packages that fulfil the specifications; TroubleError says why there are none."""
    every = machine.addresses(channels)
    parsed = {spec: parse_spec(machine, spec, specs[spec], every) for spec in specs}
    sources = [Channel(address) for address in every]
    virtual = VirtualPackage.detect(overrides=VirtualPackageOverrides.from_env())
    wanted = list(parsed.values())
    try:
        solution: list[RepoDataRecord] = await solve(
            sources, wanted, gateway, platforms=machine.platforms, virtual_packages=virtual
        )
        return solution
    except SolverError as error:
        said = str(error)
    names = [one.name.normalized for one in wanted if one.name]
    found = await gateway.query(sources, machine.platforms, names, recursive=False)
    known = [record for records in found for record in records]
    missing = {
        in_line(spec, specs[spec]): versions_of(one, known)
        for spec, one in parsed.items()
        if not any(one.matches(record) for record in known)
    }
    has = [str(one.into_generic()) for one in virtual]
    raise TroubleError(explain_conflict(said, every, missing, has))


def parse_spec(machine: Machine, spec: str, line: int, addresses: list[str]) -> MatchSpec:
    """Return a specification whose channel is an address, which is also asked, the last one."""
    channel, separator, rest = spec.partition("::")
    if separator:
        address = machine.addresses([channel])[0]
        if address not in addresses:
            addresses.append(address)
    try:
        return MatchSpec(f"{address}::{rest}" if separator else spec)
    except InvalidMatchSpecError as error:
        raise TroubleError(f"{in_line(spec, line)} is no package's name: {error}") from None


def versions_of(spec: MatchSpec, known: Iterable[RepoDataRecord]) -> set[str]:
    """Return which versions there are of the package that a specification names."""
    name = spec.name.normalized if spec.name else ""
    return {str(one.version) for one in known if one.name.normalized == name}


def in_line(spec: str, line: int) -> str:
    """Return a specification with its line in the environment.yml, if it stands there."""
    return f"{spec} (line {line})" if line else spec


def megabytes(records: Iterable[RepoDataRecord]) -> str:
    """Return how much is to be fetched, for people."""
    return f"{sum(one.size or 0 for one in records) / 1e6:.0f} MB"


async def solve_job(
    job: Mapping[str, Any], machine: Machine, client: Client, *, with_conda: bool
) -> dict[Path, list[RepoDataRecord]]:
    """Return the packages of each environment that is to be made, before anything is fetched."""
    gateway = Gateway(cache_dir=machine.cache / REPODATA, client=client)
    channels = wanted_channels(job["channels"], machine.settings)
    wanted = {Path(job["prefix"]): await solve_all(machine, gateway, channels, job["specs"])}
    if with_conda:
        own = wanted_channels([], machine.settings)
        try:
            conda = await solve_all(machine, gateway, own, dict.fromkeys(ITSELF, 0))
        except TroubleError as error:
            raise TroubleError(f"conda itself cannot be put on the image. {error}") from None
        wanted[Path(job["base"])] = conda
    return wanted


async def build(job: Mapping[str, Any], machine: Machine) -> None:
    """Make the environment, and the one that holds conda itself, unless it is there."""
    base, prefix = Path(job["base"]), Path(job["prefix"])
    machine.addresses(wanted_channels(job["channels"], machine.settings))
    client = machine.client()
    with_conda = not (base / ".condarc").exists()
    try:
        wanted = await solve_job(job, machine, client, with_conda=with_conda)
    except GatewayError as error:
        # What was kept of an index is asked for again only if it has changed; rattler 0.28 cannot
        # read the answer "not modified" of a server that sends no validator with it.
        if "304" not in str(error):
            raise
        shutil.rmtree(machine.cache / REPODATA)
        wanted = await solve_job(job, machine, client, with_conda=with_conda)
    for path, records in wanted.items():
        print_line(f"conda: {len(records)} packages into {path}, {megabytes(records)} to fetch")
        await install_anew(path, records, machine, client)
        write_history(path, job["specs"] if path == prefix else ITSELF)
    keep_variables(prefix, job["variables"])
    activate_kernels(prefix)
    write_condarc(base, machine.settings)


async def install_anew(
    path: Path, records: list[RepoDataRecord], machine: Machine, client: Client
) -> None:
    """Install packages where nothing else may be: what was left half-done goes first."""
    shutil.rmtree(path, ignore_errors=True)
    await install(
        records,
        path,
        cache_dir=machine.cache / "packages",
        client=client,
        execute_link_scripts=True,
        show_progress=False,
    )


def print_line(text: str) -> None:
    """Write one line for people, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def print_sites(job: Mapping[str, Any], machine: Machine) -> None:
    """Write the addresses that will be asked, for whoever looks whether they can be reached.

    Where conda's settings name a proxy, which nobody else knows, rattler finds its way alone.
    """
    if machine.settings.get("proxy_servers"):
        return
    mirrored = set(machine.mirrors())
    for address in machine.addresses(wanted_channels(job["channels"], machine.settings)):
        if urlsplit(address).scheme in {"http", "https"} and address not in mirrored:
            print_line(address)


def run(action: str, job: Mapping[str, Any]) -> None:
    """Carry out what was asked for; TroubleError says why it cannot be."""
    private = Path(job["private"])
    machine = Machine(Path(job["cache"]), private)
    if action == "sites":
        print_sites(job, machine)
        return
    try:
        asyncio.run(build(job, machine))
    except FETCHING as error:
        raise TroubleError(explain_fetching(str(error))) from None
    finally:
        private.unlink(missing_ok=True)


def main() -> int:
    """Return the exit code; what is wrong stands on the standard error as one paragraph."""
    action, path = sys.argv[1:]
    try:
        run(action, json.loads(Path(path).read_text(encoding="utf-8")))
    except TroubleError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # rattler's threads may still run: the interpreter's own end would trip over them (0.28.0).
    os._exit(code)

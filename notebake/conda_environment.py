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
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rattler import Channel, Client, Config, Gateway, MatchSpec, install, solve
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
from rattler.platform import Subdir
from rattler.repo_data import RepoDataRecord
from rattler.virtual_package import VirtualPackage, VirtualPackageOverrides
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from notebake.conda_activation import activate_kernels, keep_variables
from notebake.conda_channels import (
    PLACES,
    addresses_of,
    merge_settings,
    wanted_channels,
    without_credentials,
)
from notebake.conda_trouble import TroubleError, explain_conflict, explain_fetching

RETRIES = 5
REPODATA = "repodata"
ITSELF = ("conda",)
"""What the environment holds in which people find conda."""
FETCHING = (GatewayError, FetchRepoDataError, InstallerError, IoError, LinkError, TransactionError)
CONDARC = {
    "channels": ["conda-forge"],
    "default_channels": ["conda-forge"],
    "channel_priority": "strict",
    "auto_update_conda": False,
    "notify_outdated_conda": False,
}
"""The settings of the image's own conda, as far as the machine has none: what `defaults` means, and
that channels are asked in order."""


class Machine:
    """What the machine's own settings say of channels, and how to reach them."""

    def __init__(self, cache: Path, private: Path) -> None:
        self.files = list(read_settings())
        self.settings = merge_settings(self.files, os.environ)
        self.cache, self.private = cache, private
        self.platforms = [Subdir.current(), Subdir("noarch")]
        self.logins: dict[str, Any] = {}

    def addresses(self, channels: Iterable[str]) -> list[str]:
        """Return the addresses of all channels, best first, and keep how to log in there."""
        found: list[str] = []
        for channel in channels:
            for address in addresses_of(channel, self.settings):
                plain, logins = without_credentials(address)
                self.logins |= logins
                found.append(plain)
        return list(dict.fromkeys(found))

    def mirrors(self) -> dict[str, list[str]]:
        """Return the mirrors that mamba's setting names, by the address of their channel."""
        named: Mapping[str, Any] = self.settings.get("mirrored_channels", {})
        every = {name: [one] if isinstance(one, str) else one for name, one in named.items()}
        return {self.addresses([name])[0]: self.addresses(one) for name, one in every.items()}

    def client(self) -> Client:
        """Return what fetches: by the system's authorities, the machine's proxies and logins."""
        lines = ['tls-root-certs = "system"']
        verify = self.settings.get("ssl_verify", True)
        if str(verify).lower() == "false":
            lines.append("tls-no-verify = true")
        bundle = (
            str(verify) if Path(str(verify)).is_file() else os.environ.get("REQUESTS_CA_BUNDLE")
        )
        if bundle:
            os.environ.setdefault("SSL_CERT_FILE", bundle)
        for scheme, proxy in self.settings.get("proxy_servers", {}).items():
            os.environ.setdefault(f"{scheme}_proxy", str(proxy))
        mirrors = self.mirrors()
        if mirrors:
            lines.append("[mirrors]")
            lines += (f"{json.dumps(one)} = {json.dumps(mirrors[one])}" for one in mirrors)
        self.private.touch(mode=0o600)
        self.private.write_text(json.dumps(self.logins))
        os.environ["RATTLER_AUTH_FILE"] = str(self.private)
        return Client.from_config(Config.from_toml("\n".join(lines)), max_retries=RETRIES)


def read_settings() -> Iterator[dict[str, Any]]:
    """Yield the machine's settings of conda, file by file in conda's order."""
    # Without what the variable names, a place would be one below the root.
    known = {"XDG_CONFIG_HOME": "", "CONDA_ROOT": "", "CONDARC": "", **os.environ}
    for place in PLACES:
        variable = place[1:].partition("/")[0] if place.startswith("$") else ""
        if variable and not known[variable]:
            continue
        path = Path(os.path.expandvars(place)).expanduser()
        within = path.glob("*.y*ml") if place.endswith("/") else iter([path])
        for file in sorted(within):
            if file.is_file():
                yield read_file(file)


def read_file(file: Path) -> dict[str, Any]:
    """Return one file of settings; a variable in it is the environment's, as conda reads it."""
    try:
        settings = YAML(typ="safe").load(os.path.expandvars(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise TroubleError(f"conda's settings in {file} cannot be read: {error}") from None
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise TroubleError(f"conda's settings in {file} are no YAML mapping.")
    return settings


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


def write_history(prefix: Path, records: list[RepoDataRecord], specs: Iterable[str]) -> None:
    """Write what conda keeps to what was asked for, whenever it changes the environment.

    Its form is conda's own (conda/history.py, History.parse).
    """
    lines = [f"==> {time.strftime('%Y-%m-%d %H:%M:%S')} <==", "# cmd: notebake"]
    for one in sorted(records, key=lambda record: record.name.normalized):
        channel = (one.channel or "").rstrip("/").rpartition("/")[2]
        name = one.name.normalized
        lines.append(f"+{channel}/{one.subdir}::{name}-{one.version}-{one.build}")
    lines.append(f"# update specs: {json.dumps(list(specs))}")
    history = prefix / "conda-meta" / "history"
    history.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_condarc(prefix: Path, settings: Mapping[str, Any]) -> None:
    """Write the settings of the image's conda, without what the machine itself says."""
    ours = {key: value for key, value in CONDARC.items() if key not in settings}
    lines = [f"{key}: {json.dumps(value)}" for key, value in ours.items()]
    (prefix / ".condarc").write_text("\n".join(lines) + "\n", encoding="utf-8")


async def solve_job(
    job: Mapping[str, Any], machine: Machine, client: Client, paths: Iterable[Path]
) -> dict[Path, list[RepoDataRecord]]:
    """Return the packages of each environment that is to be made, before anything is fetched."""
    gateway = Gateway(cache_dir=machine.cache / REPODATA, client=client)
    channels = wanted_channels(job["channels"], machine.settings)
    own = wanted_channels([], machine.settings)
    asked = {
        job["prefix"]: (channels, job["specs"]),
        job["base"]: (own, {one: 0 for one in ITSELF}),
    }
    return {path: await solve_all(machine, gateway, *asked[str(path)]) for path in paths}


async def build(job: Mapping[str, Any], machine: Machine) -> None:
    """Make the environment, and the one that holds conda itself, unless it is there."""
    base, prefix = Path(job["base"]), Path(job["prefix"])
    machine.addresses(wanted_channels(job["channels"], machine.settings))
    client = machine.client()
    paths = [prefix] if (base / ".condarc").exists() else [prefix, base]
    try:
        wanted = await solve_job(job, machine, client, paths)
    except GatewayError as error:
        # What was kept of an index is asked for again only if it has changed; rattler 0.28 cannot
        # read the answer "not modified" of a server that sends no validator with it.
        if "304" not in str(error):
            raise
        shutil.rmtree(machine.cache / REPODATA)
        wanted = await solve_job(job, machine, client, paths)
    for path, records in wanted.items():
        print_line(f"conda: {len(records)} packages into {path}, {megabytes(records)} to fetch")
        await install_anew(path, records, machine, client)
        write_history(path, records, job["specs"] if path == prefix else ITSELF)
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

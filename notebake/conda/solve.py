"""Finds the packages that fulfil a list of conda specifications.

Runs on the host in rattler's environment. rattler solves as conda does: channels in strict order,
with the machine's virtual packages.
"""

from collections.abc import Iterable, Mapping

from rattler import Channel, Gateway, MatchSpec, solve
from rattler.exceptions import InvalidMatchSpecError, SolverError
from rattler.repo_data import RepoDataRecord
from rattler.virtual_package import VirtualPackage, VirtualPackageOverrides

from notebake.conda.configuration import Configuration
from notebake.conda.errors import CondaError, explain_conflict, explain_missing


async def solve_specs(
    configuration: Configuration, gateway: Gateway, channels: list[str], specs: Mapping[str, int]
) -> list[RepoDataRecord]:
    """Return the packages that fulfil the specifications, given with their line numbers.

    Raises:
        CondaError: a specification is invalid or missing, or they conflict.
    """
    urls = configuration.urls(channels)
    parsed = {spec: parse_spec(configuration, spec, line, urls) for spec, line in specs.items()}
    sources = [Channel(url) for url in urls]
    virtual = VirtualPackage.detect(overrides=VirtualPackageOverrides.from_env())
    try:
        solution: list[RepoDataRecord] = await solve(
            sources,
            list(parsed.values()),
            gateway,
            platforms=configuration.platforms,
            virtual_packages=virtual,
        )
        return solution
    except SolverError as error:
        conflict = str(error)
    names = [spec.name.normalized for spec in parsed.values() if spec.name]
    found = await gateway.query(sources, configuration.platforms, names, recursive=False)
    records = [record for of_channel in found for record in of_channel]
    if missing := find_missing(parsed, specs, records):
        raise CondaError(explain_missing(missing, urls))
    on_machine = [str(package.into_generic()) for package in virtual]
    raise CondaError(explain_conflict(conflict, urls, on_machine))


def find_missing(
    parsed: Mapping[str, MatchSpec], lines: Mapping[str, int], records: list[RepoDataRecord]
) -> dict[str, set[str]]:
    """Return the specifications that no package fulfils, with the versions that exist."""
    return {
        with_line(text, lines[text]): versions_of(spec, records)
        for text, spec in parsed.items()
        if not any(spec.matches(record) for record in records)
    }


def parse_spec(configuration: Configuration, spec: str, line: int, urls: list[str]) -> MatchSpec:
    """Return a specification; if it names a channel, that becomes a URL and is added to `urls`."""
    channel, separator, rest = spec.partition("::")
    if separator:
        url = configuration.urls([channel])[0]
        if url not in urls:
            urls.append(url)
    try:
        return MatchSpec(f"{url}::{rest}" if separator else spec)
    except InvalidMatchSpecError as error:
        message = f"{with_line(spec, line)} is not a package specification: {error}"
        raise CondaError(message) from None


def versions_of(spec: MatchSpec, records: Iterable[RepoDataRecord]) -> set[str]:
    """Return the existing versions of the package that a specification names."""
    name = spec.name.normalized if spec.name else ""
    return {str(record.version) for record in records if record.name.normalized == name}


def with_line(spec: str, line: int) -> str:
    """Return a specification with its line in the environment.yml; 0 if it is not from there."""
    return f"{spec} (line {line})" if line else spec

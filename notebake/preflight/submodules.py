"""Checks by their addresses that a machine without keys can clone a repository's submodules."""

import re
from collections.abc import Iterable, Mapping

from notebake.local.git import run_git
from notebake.preflight.finding import Finding, wrong

SUBMODULE = "160000"
"""The mode of a submodule's entry in its folder."""
BY_SSH = re.compile(r"(?:git\+)?ssh://|(?!\w+://)[^/:]+:")
LEAVE_OUT = "If nothing needs it, set repository.submodules: false in the recipe."


def read_addresses(clone: str, environment: dict[str, str]) -> dict[str, str]:
    """Return the address of each submodule by its path, as HEAD's .gitmodules names them."""
    keys = r"^submodule\..*\.(path|url)$"
    read = ("config", "--null", "--blob", "HEAD:.gitmodules", "--get-regexp", keys)
    answer = run_git("-C", clone, *read, environment=environment)
    pairs = [entry.partition("\n")[::2] for entry in answer.stdout.split("\0") if entry]
    values = dict(pairs)
    return {
        path: values.get(f"{key.removesuffix('.path')}.url", "")
        for key, path in pairs
        if key.endswith(".path")
    }


def find_uncloneable(
    where: str, modes: Mapping[str, str], addresses: Mapping[str, str]
) -> Iterable[Finding]:
    """Report each submodule that the machine cannot clone; relative addresses are not checked."""
    for path in (path for path, mode in modes.items() if mode == SUBMODULE):
        address = addresses.get(path, "")
        if not address:
            yield wrong(
                f"{where} has the submodule {path} without an address in .gitmodules.", LEAVE_OUT
            )
        elif BY_SSH.match(address):
            yield wrong(
                f"{where} has the submodule {path}, which is cloned by ssh, for which the machine"
                " has no key.",
                LEAVE_OUT,
            )
        elif re.match(r"git://(?:www\.)?github\.com/", address):
            yield wrong(
                f"{where} has the submodule {path} at a git:// address of GitHub, which ended"
                " these in 2022.",
                LEAVE_OUT,
            )

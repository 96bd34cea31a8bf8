"""Checks by their addresses that a machine without keys can clone a repository's submodules."""

import re
from collections.abc import Iterable, Mapping

from notebake.local.git import run_git
from notebake.preflight.finding import Finding, not_checked, wrong

SUBMODULE = "160000"
"""The mode of a submodule's entry in its folder."""
BY_SSH = re.compile(r"(?:git\+)?ssh://|(?!\w+://)[^/:]+:")
GITMODULES = ".gitmodules"
NEVER = "none"
"""As `update` in .gitmodules: `git submodule update` passes over it."""
LEAVE_OUT = "If nothing needs it, set repository.submodules: false in the recipe."


def read_addresses(clone: str, environment: dict[str, str]) -> dict[str, str] | None:
    """Return the address of each submodule by its path, as HEAD's .gitmodules names them.

    None if that could not be read: its text may have to be fetched, or there is none. What is never
    updated has the address "none".
    """
    keys = r"^submodule\..*\.(path|url|update)$"
    read = ("config", "--null", "--blob", f"HEAD:{GITMODULES}", "--get-regexp", keys)
    answer = run_git("-C", clone, *read, environment=environment)
    if answer.returncode and answer.stderr.strip():
        return None
    pairs = [entry.partition("\n")[::2] for entry in answer.stdout.split("\0") if entry]
    values = dict(pairs)
    addresses = {}
    for key, path in pairs:
        if key.endswith(".path"):
            name = key.removesuffix(".path")
            is_updated = values.get(f"{name}.update") != NEVER
            addresses[path] = values.get(f"{name}.url", "") if is_updated else NEVER
    return addresses


def find_uncloneable(
    where: str, modes: Mapping[str, str], addresses: Mapping[str, str] | None
) -> Iterable[Finding]:
    """Report each submodule that the machine cannot clone; relative addresses are not checked."""
    if addresses is None and GITMODULES in modes:
        yield not_checked(f"Whether the submodules of {where} can be cloned: git did not say.")
        return
    for path in (path for path, mode in modes.items() if mode == SUBMODULE):
        address = (addresses or {}).get(path, "")
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

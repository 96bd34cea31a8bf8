"""Whether another notebake, or another tool that it installs, would make the image today."""

from collections.abc import Iterable, Iterator, Mapping

from packaging.requirements import Requirement

from notebake.commands.papermill import LOCK_FILE, PACKAGES
from notebake.images.updates.composing import finding_of
from notebake.images.updates.current import CurrentImage
from notebake.images.updates.finding import CauseFinding, Change, State
from notebake.images.updates.resolution.environments import PAPERMILL
from notebake.ledger.versions import package_versions
from notebake.local.code_version import CodeVersion, code_version
from notebake.recipe import Recipe

HOW = (
    "The notebake that made the image was compared with this one, and the versions in"
    f" locks/{LOCK_FILE} with what this one asks for."
)
SHORT = 12
"""Hex digits of a commit that are shown."""


def check_tools(current: CurrentImage, recipe: Recipe) -> CauseFinding:
    """Compare notebake and papermill then and now; nothing is asked of anybody.

    Raises:
        RunStoreError: the store failed.
    """
    del recipe
    lock, missing = current.read_file(f"locks/{LOCK_FILE}")
    versions = package_versions(lock.decode(errors="replace")) if lock else {}
    now = code_version()
    changes = (*compare_code(current.summary.code, now), *compare_papermill(versions))
    doubts = [*doubts_about(current.summary.code, now), *([f"{missing}."] if missing else [])]
    state: State = "changed" if changes else "not checked" if doubts else "unchanged"
    return CauseFinding(
        cause="tools", state=state, how=HOW, reason=" ".join(doubts), changes=changes
    )


def without_repeated(tools: CauseFinding, python: Iterable[CauseFinding]) -> CauseFinding:
    """Return the finding without packages that the findings on Python's packages name already."""
    named = {
        change.name for each in python for change in each.changes if change.detail == PAPERMILL
    }
    left = tuple(change for change in tools.changes if change.name not in named)
    if left == tools.changes:
        return tools
    return finding_of("tools", left, [tools.reason] if tools.reason else [], tools.how)


def compare_code(before: Mapping[str, object], now: CodeVersion) -> Iterator[Change]:
    """Yield how notebake has changed: its version, or of the same version the commit."""
    version, commit = str(before.get("version") or ""), str(before.get("commit") or "")
    if version and version != now.version:
        yield Change(name="notebake", old=version, new=now.version)
    elif commit and now.commit and commit != now.commit:
        old, new = (f"{now.version} at {each[:SHORT]}" for each in (commit, now.commit))
        yield Change(name="notebake", old=old, new=new, detail="another commit")


def compare_papermill(versions: Mapping[str, str]) -> Iterator[Change]:
    """Yield the packages of papermill's environment that no longer fit what is asked for."""
    for text in PACKAGES:
        wanted = Requirement(text)
        version = versions.get(wanted.name)
        if version and not wanted.specifier.contains(version, prereleases=True):
            yield Change(name=wanted.name, old=version, new=str(wanted.specifier))


def doubts_about(before: Mapping[str, object], now: CodeVersion) -> Iterator[str]:
    """Yield why equal versions and commits may be different code."""
    if not before:
        yield "The run has not recorded which notebake made it."
    elif before.get("is_modified"):
        yield "The notebake that made it was modified."
    if now.is_modified:
        yield "The notebake that runs now is modified."

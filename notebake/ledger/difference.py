"""What differs between two runs."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from notebake.humanize import format_dollars
from notebake.ledger.summary import Summary
from notebake.record import Record

NOISE_SECONDS = 5.0
NOISE_SHARE = 0.25
"""A step's time differs only beyond both: the second time, something else may have been busy."""


class Difference(Record):
    """One thing of two runs; `None` if a run does not have it."""

    section: str
    what: str
    before: str | None
    after: str | None
    is_noise: bool = False
    """Whether the difference says nothing."""

    @property
    def is_same(self) -> bool:
        return self.is_noise or self.before == self.after


class Compared(Record):
    """One of the two runs."""

    summary: Summary
    packages: dict[str, dict[str, str]] = Field(default_factory=dict)
    """The versions in each of its lock files, by package."""
    numbers: tuple[float, ...] = ()
    """What the notebook printed on the builder."""
    doubts: tuple[str, ...] = ()
    """Sentences about stored files that are not those that were recorded."""


def compare(first: Compared, second: Compared) -> list[Difference]:
    """Return all that was compared, the same things too."""
    one, other = first.summary, second.summary
    return [
        *compare_recipes(one.recipe, other.recipe),
        *_pairs("sources", _sources(one), _sources(other)),
        *_packages(first, second),
        *_numbers(first, second),
        *_times(one, other),
        *_pairs("money", _money(one), _money(other)),
        *_pairs("result", _results(one), _results(other)),
    ]


def compare_recipes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield the fields of two recipes, the same ones too."""
    yield from _pairs("recipe", dict(fields_of(before)), dict(fields_of(after)))


def _sources(summary: Summary) -> dict[str, str]:
    code = summary.code
    found = {
        "commit of the repository": summary.commit,
        "base image": summary.base_image,
        "notebake": str(code.get("version") or ""),
        "commit of notebake": str(code.get("commit") or ""),
        "notebake is modified": str(code.get("is_modified", "")),
        "account": summary.account,
    }
    return {what: value for what, value in found.items() if value}


def _money(summary: Summary) -> dict[str, str]:
    """Return the amounts as a page shows them: what differs by less than a cent is the same."""
    money = summary.money
    found = {
        "estimated": format_dollars(money.estimated_usd, is_complete=money.is_estimate_complete),
        "metered": format_dollars(money.metered_usd, is_complete=money.is_metered_complete),
        "image, each month": format_dollars(money.monthly_usd),
    }
    return {what: text for what, text in found.items() if text}


def _results(summary: Summary) -> dict[str, str]:
    failed = {
        f"why {step.step} failed": step.result for step in summary.steps if step.outcome == "failed"
    }
    return {"outcome": summary.result, **failed}


def _packages(first: Compared, second: Compared) -> Iterator[Difference]:
    """Yield the packages of the lock files that both runs have."""
    for lock in sorted(first.packages.keys() & second.packages.keys()):
        yield from _pairs(f"packages in {lock}", first.packages[lock], second.packages[lock])


def _numbers(first: Compared, second: Compared) -> Iterator[Difference]:
    """Yield the numbers that the notebook printed, if both runs have any."""
    before, after = (
        {f"number {position}": f"{number:.12g}" for position, number in enumerate(each.numbers, 1)}
        for each in (first, second)
    )
    if before and after:
        yield from _pairs("numbers", before, after)


def _times(one: Summary, other: Summary) -> Iterator[Difference]:
    """Yield the seconds of each step."""
    before, after = (
        {step.step: step.seconds for step in summary.steps if step.seconds is not None}
        for summary in (one, other)
    )
    for step in {**before, **after}:
        seconds = before.get(step), after.get(step)
        yield Difference(
            section="times",
            what=step,
            before=None if seconds[0] is None else f"{seconds[0]:.1f} s",
            after=None if seconds[1] is None else f"{seconds[1]:.1f} s",
            is_noise=_is_noise(*seconds),
        )


def _is_noise(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return False
    return abs(before - after) <= max(NOISE_SECONDS, NOISE_SHARE * max(before, after))


def _pairs(
    section: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[Difference]:
    for what in sorted({*before, *after}, key=_natural):
        yield Difference(section=section, what=what, before=before.get(what), after=after.get(what))


def _natural(what: str) -> tuple[str, int]:
    """Order `number 10` after `number 9`."""
    words, _, last = what.rpartition(" ")
    return (words, int(last)) if last.isdecimal() else (what, 0)


def fields_of(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields of a structure by their paths, such as `volumes[0].size_gib`."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from fields_of(each, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for position, each in enumerate(value):
            yield from fields_of(each, f"{path}[{position}]")
    elif value is not None:
        yield path, str(value)

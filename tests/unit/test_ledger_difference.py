"""What differs between two runs, and the versions in lock files."""

import pytest

from notebake.ledger.difference import Compared, compare
from notebake.ledger.summary import StepSummary, Summary
from notebake.ledger.versions import package_versions


def compared(seconds: float = 10, **fields: object) -> Compared:
    step = StepSummary(step="install_software", tries=1, outcome="done", at="t", seconds=seconds)
    return Compared(summary=Summary(run="r", steps=(step,), **fields))


def differing(first: Compared, second: Compared) -> list[str]:
    return [f"{each.section}: {each.what}" for each in compare(first, second) if not each.is_same]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (10, 14, []),
        (10, 16, ["times: install_software"]),
        (100, 120, []),
        (100, 140, ["times: install_software"]),
        (1, 5, []),
    ],
)
def test_a_time_differs_only_beyond_noise(first: float, second: float, expected: list[str]) -> None:
    assert differing(compared(first), compared(second)) == expected


def test_nested_fields_are_named_by_their_path() -> None:
    one = compared(recipe={"volumes": [{"size_gib": 1}], "region": "us-west-2"})
    other = compared(recipe={"volumes": [{"size_gib": 2}, {"size_gib": 3}], "region": "us-west-2"})

    assert differing(one, other) == ["recipe: volumes[0].size_gib", "recipe: volumes[1].size_gib"]


def test_sources_money_and_results_are_compared() -> None:
    one = compared(commit="a", base_image="ami-1", money={"estimated_usd": "0.104"})
    other = compared(
        commit="b", base_image="ami-2", money={"estimated_usd": "0.115"}, result="failed"
    )

    assert differing(one, other) == [
        "sources: base image",
        "sources: commit of the repository",
        "money: estimated",
        "result: outcome",
    ]


def test_less_than_a_cent_is_no_difference_and_an_unknown_price_is() -> None:
    one, other = compared(money={"metered_usd": "0.101"}), compared(money={"metered_usd": "0.104"})
    partly = compared(money={"metered_usd": "0.104", "is_metered_complete": False})

    assert differing(one, other) == []
    assert differing(other, partly) == ["money: metered"]


def test_numbers_are_in_order() -> None:
    one, other = (
        Compared(summary=Summary(run="r"), numbers=tuple(float(base + each) for each in range(11)))
        for base in (0, 1)
    )

    assert [each.what for each in compare(one, other) if each.section == "numbers"] == [
        f"number {position}" for position in range(1, 12)
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("numpy==2.1", {"numpy": "2.1"}),
        ("numpy==2.1 ; python_version > '3'", {"numpy": "2.1"}),
        ("libc6=2.36-9+deb12u4", {"libc6": "2.36-9+deb12u4"}),
        ("libstdc++6=12.2", {"libstdc++6": "12.2"}),
        ("https://c.example/linux-64/numpy-2.1.0-py311_0.conda#abc", {"numpy": "2.1.0"}),
        ("https://c.example/noarch/tz-data-2026a-0.tar.bz2", {"tz-data": "2026a"}),
        ("# numpy==1", {}),
        ("@EXPLICIT", {}),
        ("", {}),
    ],
)
def test_versions_are_read_from_each_kind_of_lock_file(line: str, expected: dict[str, str]) -> None:
    assert package_versions(f"{line}\n") == expected

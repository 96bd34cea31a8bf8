"""What was billed: exports as people download them, and their faults."""

from decimal import Decimal

import pytest

from notebake.costs.bill import BillError, parse_bill

BY_DAY = """\
"Tag","notebake:run$ocean-1($)","sea-1($)","No tag key: notebake:run($)","Total costs($)"
"Tag total","1.75","0.5","99","101.25"
"2026-10-01","1.5","","98","99.5"
"2026-10-02","0.25","0.5","1","1.75"
"""
BY_ITEM = """\
identity/LineItemId,lineItem/UsageStartDate,lineItem/UnblendedCost,lineItem/CurrencyCode,\
resourceTags/user:notebake:run
a,2026-10-01T00:00:00Z,0.1,USD,ocean-1
b,2026-10-01T01:00:00Z,0.2,USD,ocean-1
c,2026-10-02T00:00:00Z,-0.05,USD,ocean-1
d,2026-10-02T00:00:00Z,7,USD,
"""


def amounts(text: str) -> list[tuple[str, str, str]]:
    return [(each.run, str(each.day), str(each.usd)) for each in parse_bill(text, "b")]


def faults(text: str) -> list[str]:
    with pytest.raises(BillError) as caught:
        parse_bill(text, "b.csv")
    return caught.value.message.splitlines()


def test_an_export_of_cost_explorer_has_a_column_for_each_run() -> None:
    assert amounts(BY_DAY) == [
        ("ocean-1", "2026-10-01", "1.5"),
        ("ocean-1", "2026-10-02", "0.25"),
        ("sea-1", "2026-10-01", "0"),
        ("sea-1", "2026-10-02", "0.5"),
    ]


def test_a_run_without_a_name_is_no_run() -> None:
    text = "Tag,notebake:run$($),notebake:run$ocean-1($),Total costs($)\n2026-10-01,7,1,8\n"

    assert amounts(text) == [("ocean-1", "2026-10-01", "1")]


def test_items_of_a_report_are_summed_by_run_and_day() -> None:
    assert amounts(BY_ITEM) == [
        ("ocean-1", "2026-10-01", "0.3"),
        ("ocean-1", "2026-10-02", "-0.05"),
    ]


def test_the_names_of_athena_are_read_as_well() -> None:
    text = (
        "line_item_usage_start_date,line_item_unblended_cost,resource_tags_user_notebake_run\n"
        "2026-10-01 00:00:00.000,0.123456789012,ocean-1\n"
    )

    assert parse_bill(text, "b")[0].usd == Decimal("0.123456789012")


def test_a_report_without_anything_of_a_run_has_no_amounts() -> None:
    assert amounts("".join(BY_ITEM.splitlines(keepends=True)[i] for i in (0, 4))) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["b.csv:1: column 1: no column names the tag notebake:run or an unblended cost"]),
        (
            "Service,EC2($),Total costs($)\n2026-10-01,1,1\n",
            ["b.csv:1: column 1: no column names the tag notebake:run or an unblended cost"],
        ),
        (
            BY_DAY.replace('"1.5"', '"1,5"').replace("2026-10-02", "October 2"),
            [
                "b.csv:3: column notebake:run$ocean-1($): must be an amount such as 1.25,"
                " not '1,5'",
                "b.csv:4: column Tag: must begin with a day such as 2026-11-01, not 'October 2'",
            ],
        ),
        (BY_DAY + '"2026-10-03","1"\n', ["b.csv:5: column 2: 2 cells, but the header has 5"]),
        (
            BY_DAY.replace('"0.5"\n', "").replace('"0.25"', '"NaN"'),
            ["b.csv:4: column notebake:run$"],
        ),
        (
            BY_DAY.replace("sea-1($)", "sea-1(EUR)"),
            ["b.csv:1: column sea-1(EUR): must be in USD and end with ($)"],
        ),
        (
            BY_DAY.replace("($)", " (£)").replace("sea-1 (£)", "sea-1"),
            [
                "b.csv:1: column notebake:run$ocean-1 (£): must be in USD and end with ($)",
                "b.csv:1: column sea-1: must be in USD and end with ($)",
            ],
        ),
        (
            BY_ITEM.replace("0.2,USD", "0.2,EUR"),
            ["b.csv:3: column lineItem/CurrencyCode: must be USD, not 'EUR'"],
        ),
        (
            BY_ITEM.replace("lineItem/UsageStartDate", "x").replace("resourceTags/user:", "tag:"),
            [
                "b.csv:1: column resourcetags/user:notebake:run: is missing",
                "b.csv:1: column lineitem/usagestartdate: is missing",
            ],
        ),
    ],
)
def test_a_fault_names_row_and_column(text: str, expected: list[str]) -> None:
    found = faults(text)

    assert [line[: len(fault)] for line, fault in zip(found, expected, strict=True)] == expected


def test_many_faults_are_cut() -> None:
    rows = "".join(f"{n},2026-10-01T00:00:00Z,x,USD,ocean-1\n" for n in range(50))

    found = faults(BY_ITEM.splitlines(keepends=True)[0] + rows)

    assert len(found) == 21
    assert found[-1] == "… and 30 more"

"""The command `costs`: what runs cost, by run, recipe, person or award."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from flows.cli.arguments import (
    add_json,
    add_regions,
    check_days,
    location_of,
    read_day,
    regions_of,
)
from flows.cli.exit_codes import DONE

if TYPE_CHECKING:
    from notebake.costs.charges import Allocated, Charge
    from notebake.costs.sums import Amount, Report, Row
    from notebake.ledger.chain import RecordPlace
    from notebake.runs.charges import RunAccount
    from notebake.runs.people import Person

EXAMPLE = """\
notebake costs --by award --since 2026-10-01 --until 2026-12-31
notebake costs --by person --standing --all-regions
notebake costs --billed costs.csv"""
FIELDS = {
    "by": "run, recipe, person or award",
    "since": "first day, UTC; null: from the beginning",
    "until": "last day, UTC; null: until now",
    "rows[].name": "run id, recipe, person or award",
    "rows[].estimated_usd": "what the builds should cost; null: no amount known",
    "rows[].metered_usd": "by EC2's times and dated prices",
    "rows[].billed_usd": "by what was exported from AWS",
    "rows[].has_unknown_price": "whether an amount leaves out what has no price",
    "apart[].name": "award, or none",
    "apart[].reason": "why it counts for no award",
    "apart[].estimated_usd": "as in rows; by award it is in no row",
    "apart[].metered_usd": "as in rows",
    "apart[].billed_usd": "as in rows",
    "apart[].has_unknown_price": "as in rows",
    "estimated_usd": "in all",
    "metered_usd": "in all",
    "billed_usd": "in all",
    "has_unknown_price": "in all",
    "up_when_metered": "runs with machines that went on costing",
    "standing[].name": "with --standing: run, recipe, person or award",
    "standing[].reason": "why it counts for no award; null: it does",
    "standing[].cost_usd_per_month": "until somebody removes it",
}
BY = ("run", "recipe", "person", "award")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    parser.add_argument("--by", choices=BY, default="run", help="what to sum by; default: run")
    for option, meaning in (("--since", "first"), ("--until", "last")):
        parser.add_argument(
            option, type=read_day, metavar="DAY", help=f"{meaning} day, such as 2026-11-23, in UTC"
        )
    parser.add_argument(
        "--standing", action="store_true", help="also what exists now, by month, as survey finds it"
    )
    parser.add_argument(
        "--billed",
        default="",
        metavar="FILE",
        help="first store what was billed: a CSV from Cost Explorer, by the tag notebake:run, or of"
        " a Cost and Usage Report",
    )
    add_regions(parser)
    add_json(parser)
    parser.set_defaults(refusing=parser)


def run(given: argparse.Namespace) -> int:
    """Print the sums; of what exists now, those that the regions answered."""
    from flows.terminal.costs_table import print_costs
    from notebake.costs.charges import allocate
    from notebake.runs.bills import billed_charges, read_bills
    from notebake.runs.charges import read_accounts
    from notebake.runs.people import read_people
    from notebake.runs.run_record import record_place

    check_days(given, given.refusing)
    for option, value in (("--all-regions", given.all_regions), ("--region", given.region)):
        if value and not given.standing:
            given.refusing.error(f"{option} goes with --standing: other sums are of all regions.")
    place = record_place(location_of(given))
    if given.billed:
        store_bill(given.billed, place)
    accounts, charges = read_accounts(place)
    charges += billed_charges(read_bills(place), accounts)
    chosen = [
        charge
        for charge in allocate(charges)
        if (given.since or charge.day) <= charge.day <= (given.until or charge.day)
    ]
    people = read_people(place)
    found = sums_of(chosen, given.by, people)
    standing = standing_charges(given, accounts) if given.standing else []
    stands = sums_of(allocate(standing), given.by, people)
    up = sorted({charge.run for charge in chosen if not charge.is_over})
    if given.json:
        from flows.cli.json_output import print_document

        print_document(document_of(given, found, stands, up))
    else:
        print_costs(given.by, found, stands if given.standing else None, up)
    return DONE


def store_bill(path: str, place: "RecordPlace") -> None:
    """Store an export beside the record, and say so beside the output."""
    from pathlib import Path

    from flows.terminal.console import open_console
    from notebake.humanize import pluralize
    from notebake.runs.bills import import_bill

    bill = import_bill(Path(path), place)
    runs = pluralize(len({amount.run for amount in bill.amounts}), "run")
    text = f"Stored what was billed for {runs}, from {bill.first_day} to {bill.last_day}."
    open_console(stderr=True).print(text, soft_wrap=True)


def sums_of(parts: "Iterable[Allocated]", by: str, people: "Mapping[str, Person]") -> "Report":
    """Return the sums by what the option names."""
    from notebake.costs.sums import report, report_by_award
    from notebake.runs.people import name_of

    if by == "award":
        return report_by_award(parts)
    names: dict[str, Callable[[Allocated], str]] = {
        "run": lambda part: part.run,
        "recipe": lambda part: part.recipe or "unknown recipe",
        "person": lambda part: name_of(part.who, people),
    }
    return report(parts, names[by])


def standing_charges(
    given: argparse.Namespace, accounts: "Mapping[str, RunAccount]"
) -> "list[Charge]":
    """Return what everything that a survey finds costs in a month."""
    from decimal import Decimal

    from notebake import clock
    from notebake.costs.charges import Column
    from notebake.resources.survey import Scope, check_all_regions_answered, survey
    from notebake.runs.charges import RunAccount

    found = survey(Scope(regions=regions_of(given), store=location_of(given), before=None))
    check_all_regions_answered(found)
    charges = []
    for finding in found.findings:
        account = accounts.get(finding.resource.run_id) or RunAccount(run=finding.resource.run_id)
        usd = None if finding.usd_per_month is None else Decimal(str(finding.usd_per_month))
        charges.append(account.charge(Column.STANDING, clock.now(), usd))
    return charges


def document_of(
    given: argparse.Namespace, found: "Report", stands: "Report", up: list[str]
) -> dict[str, object]:
    """Return the sums as a JSON document."""
    from notebake.costs.charges import Column

    return {
        "by": given.by,
        "since": given.since and given.since.isoformat(),
        "until": given.until and given.until.isoformat(),
        "rows": [{"name": row.name, **_amounts(row)} for row in found.rows],
        "apart": [
            {"name": row.name or None, "reason": row.detail, **_amounts(row)} for row in found.apart
        ],
        **_amounts(found.total),
        "up_when_metered": up,
        "standing": [
            {
                "name": row.name or None,
                "reason": row.detail or None,
                "cost_usd_per_month": _usd(row.amounts.get(Column.STANDING)),
            }
            for row in (*stands.rows, *(stands.apart if given.by == "award" else ()))
        ],
    }


def _amounts(row: "Row") -> dict[str, object]:
    from notebake.costs.charges import Column

    columns = (Column.ESTIMATED, Column.METERED, Column.BILLED)
    return {
        **{f"{column}_usd": _usd(row.amounts.get(column)) for column in columns},
        "has_unknown_price": any(amount.has_unknown for amount in row.amounts.values()),
    }


def _usd(amount: "Amount | None") -> float | None:
    return float(amount.usd) if amount and amount.has_known else None

"""The findings of a survey as a JSON document; a sweep adds what it removed."""

from typing import TYPE_CHECKING

from flows.cli.json_output import iso_time, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from notebake.resources.retention import Assessment
    from notebake.resources.survey import Survey

FIELDS = {
    "regions": "regions that were searched",
    "resources[].run_id": "run that it belongs to, by its tags",
    "resources[].region": "AWS region",
    "resources[].kind": "such as instance, volume, image, snapshot",
    "resources[].id": "id or, where EC2 gives none, its name",
    "resources[].state": "state in EC2's words; null: it has none",
    "resources[].made_at": "time, ISO 8601 in UTC",
    "resources[].expires_at": "when its lease ends; null: no end counts",
    "resources[].ownership": "ours, not_certain or copied",
    "resources[].may_go": "whether a sweep may remove it",
    "resources[].reason_to_stay": "null: it may go",
    "resources[].cost_usd_per_month": "until somebody removes it",
    "cost_usd_per_month": "of all; null where the price of any is unknown",
    "prices_of": "day of the price table",
    "runs_elsewhere": "runs of other accounts: not searched for",
    "unanswered": "regions that gave no answer (exit code 1)",
}


def document_of(found: "Survey", regions: "Sequence[str]") -> dict[str, object]:
    """Return the findings as a JSON document."""
    from notebake.costs.prices import read_prices

    return {
        "regions": [*regions],
        "resources": [_row_of(finding) for finding in found.findings],
        "cost_usd_per_month": total([finding.usd_per_month for finding in found.findings]),
        "prices_of": read_prices().written.isoformat(),
        "runs_elsewhere": [*found.elsewhere],
        "unanswered": [*found.unanswered],
    }


def _row_of(finding: "Assessment") -> dict[str, object]:
    resource = finding.resource
    return {
        "run_id": resource.run_id or None,
        "region": resource.region,
        "kind": resource.kind,
        "id": resource.id,
        "state": resource.state or None,
        "made_at": iso_time(resource.made_at),
        "expires_at": iso_time(finding.ends_at),
        "ownership": finding.verdict.ownership.name.lower(),
        "may_go": finding.may_go,
        "reason_to_stay": finding.reason_to_stay or None,
        "cost_usd_per_month": finding.usd_per_month,
    }

"""The command `plan`: check a recipe, and estimate the costs of its build."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_awards, add_json, add_recipe, location_of
from flows.cli.exit_codes import DONE

if TYPE_CHECKING:
    from notebake.costs.estimate import CostLine, Estimate
    from notebake.preflight.finding import Finding
    from notebake.recipe import Recipe

EXAMPLE = """\
notebake plan deployments/ocean.yaml
notebake plan deployments/ocean.yaml --json"""
FIELDS = {
    "recipe": "name in the recipe",
    "region": "AWS region",
    "awards[].number": "award that pays",
    "awards[].purpose": "what the image does for it",
    "awards[].share_percent": "its share of the costs",
    "can_be_built": "whether nothing is wrong (else exit code 1)",
    "findings[].verdict": "good, warning, wrong or not_checked",
    "findings[].sentence": "what was found",
    "findings[].hint": "what to do about it",
    "build_costs[].what": "what is paid for once",
    "build_costs[].quantity": "how much of it",
    "build_costs[].unit": "in this unit",
    "build_costs[].cost_usd": "what that comes to",
    "build_costs[].price_source": "AWS Price List or notebake's table",
    "build_cost_usd": "of all; null where any price is unknown",
    "monthly_costs[].what": "what the image costs afterwards",
    "monthly_costs[].quantity": "how much of it",
    "monthly_costs[].unit": "in this unit",
    "monthly_costs[].cost_usd_per_month": "what that comes to, at most",
    "cost_usd_per_month": "of all; null where any price is unknown",
    "prices_of": "day of notebake's table",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_recipe(parser)
    add_awards(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Check and estimate; an invalid recipe is reported before any slow import."""
    from pathlib import Path

    from notebake.recipe.file import load_recipe

    recipe = load_recipe(Path(given.recipe))
    from flows.terminal.plan_report import print_costs, print_findings
    from notebake.costs.estimate import estimate
    from notebake.costs.list_prices import price_of_type, read_list_prices
    from notebake.preflight.checks import refuse_wrong, run_checks
    from notebake.preflight.cooldown import check_cooldown
    from notebake.runs.run import Run

    planned = Run(id=f"{recipe.name}-YYYYMMDD-hhmmss-xxxx", recipe=recipe, store="")
    findings = [*run_checks(planned), *check_cooldown(recipe, location_of(given))]
    read_list_prices((*recipe.instance_types, *recipe.acceptance.instance_types), recipe.region)
    costs = estimate(recipe, price_of_type=price_of_type)
    if given.json:
        from flows.cli.json_output import print_document

        print_document(document_of(recipe, findings, costs))
        refuse_wrong(planned, findings)
        return DONE
    print_findings(findings)
    refuse_wrong(planned, findings)
    print_costs(recipe.name, costs)
    return DONE


def document_of(
    recipe: "Recipe", findings: list["Finding"], costs: "Estimate"
) -> dict[str, object]:
    """Return the plan as a JSON document."""
    from flows.cli.json_output import total
    from notebake.preflight.finding import CheckResult, with_verdict

    return {
        "recipe": recipe.name,
        "region": recipe.region,
        "awards": [
            {
                "number": award.number,
                "purpose": award.purpose,
                "share_percent": float(award.percent),
            }
            for award in recipe.award
        ],
        "can_be_built": not with_verdict(findings, CheckResult.WRONG),
        "findings": [
            {"verdict": verdict, "sentence": finding.sentence, "hint": finding.hint or None}
            for verdict in CheckResult
            for finding in with_verdict(findings, verdict)
        ],
        "build_costs": [
            {**document_row(line, "cost_usd"), "price_source": line.price_source}
            for line in costs.build
        ],
        "build_cost_usd": total([line.usd for line in costs.build]),
        "monthly_costs": [document_row(line, "cost_usd_per_month") for line in costs.monthly],
        "cost_usd_per_month": total([line.usd for line in costs.monthly]),
        "prices_of": costs.prices_written,
    }


def document_row(line: "CostLine", name: str) -> dict[str, object]:
    """Return a cost as a JSON object; `name` is the key of the amount."""
    return {"what": line.what, "quantity": line.quantity, "unit": line.unit, name: line.usd}

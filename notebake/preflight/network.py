"""Where the machines will stand: room for them, a way to them, and who is let in."""

from collections.abc import Iterable
from typing import Any

from notebake.aws import account
from notebake.aws.volumes import zone_of_volumes
from notebake.costs.estimate import ACCEPTANCE_MACHINES
from notebake.machines.launch import usable_subnets
from notebake.machines.worker_address import ssh_sources
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.runs.run import Run

ADDRESSES = ACCEPTANCE_MACHINES + 1
"""The builder keeps its private address, and runs again while the others boot."""


def check_subnets(run: Run) -> Iterable[Finding]:
    """There are subnets, in the zone of existing volumes, with room for the machines."""
    subnets = usable_subnets(run.recipe)
    if not subnets:
        zone = zone_of_volumes(run.recipe)
        yield wrong(
            f"The existing volumes lie in {zone}; no subnet does.",
            "Name a subnet of that zone as network.subnet_ids.",
        )
        return
    roomy = [one for one in subnets if int(one["AvailableIpAddressCount"]) >= ADDRESSES]
    if not roomy:
        named = ", ".join(one["SubnetId"] for one in subnets)
        yield wrong(
            f"None of {named} has the {ADDRESSES} free addresses that the run needs.",
            "Name another subnet as network.subnet_ids.",
        )
    else:
        places = ", ".join(f"{one['SubnetId']} ({one['AvailabilityZone']})" for one in roomy)
        yield good(f"The machines will stand in one of {places}.")


def check_way_out(run: Run) -> Iterable[Finding]:
    """A public address is of use only behind an internet gateway."""
    network, subnets = run.recipe.network, usable_subnets(run.recipe)
    if network.address == "private":
        yield not_checked(
            "Whether this computer reaches the machines' private addresses, and the machines"
            " the internet, shows when the first one runs."
        )
        return
    vpc_ids = {str(one["VpcId"]) for one in subnets}
    tables = {one: account.route_tables(one, run.recipe.region) for one in vpc_ids}
    closed = [one for one in subnets if not leads_out(one["SubnetId"], tables[one["VpcId"]])]
    if closed:
        named = ", ".join(one["SubnetId"] for one in closed)
        yield wrong(
            f"network.address is public, but no route leads from {named} to an internet gateway.",
            "Name public subnets as network.subnet_ids, or set network.address to private.",
        )
    elif subnets:
        yield good("Every subnet has a route to an internet gateway.")


def check_block_public_access(run: Run) -> Iterable[Finding]:
    """The account does not block internet gateways, whatever the routes say.

    https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html
    """
    region = run.recipe.region
    if run.recipe.network.address == "private":
        return
    mode = account.public_access_blocked(region)
    if mode == "off":
        yield good(f"{region} does not block public access to its VPCs.")
        return
    excluded = account.public_access_excluded(region)
    subnets = usable_subnets(run.recipe)
    closed = [one for one in subnets if not {one["SubnetId"], one["VpcId"]} & excluded]
    if closed:
        named = ", ".join(f"{one['SubnetId']} ({one['VpcId']})" for one in closed)
        yield wrong(
            f"This account blocks public access to the VPCs of {region} ({mode}): no ssh reaches a"
            f" machine in {named}, whatever the routes say.",
            "Name subnets that are excluded from the block in both directions as"
            " network.subnet_ids, have these excluded (ec2:CreateVpcBlockPublicAccessExclusion,"
            " allow-bidirectional), or set network.address to private.",
        )
    elif subnets:
        yield good(f"{region} blocks public access ({mode}), but not to these subnets.")


def leads_out(subnet_id: str, tables: list[dict[str, Any]]) -> bool:
    """Tell whether the table in force for a subnet, or else the main one, leads to a gateway."""

    def associated(key: str, value: object) -> list[dict[str, Any]]:
        return [
            table
            for table in tables
            if any(one.get(key) == value for one in table.get("Associations", []))
        ]

    in_force = associated("SubnetId", subnet_id) or associated("Main", True)
    return any(
        one.get("DestinationCidrBlock") == "0.0.0.0/0"
        and str(one.get("GatewayId", "")).startswith("igw-")
        and one.get("State", "active") == "active"
        for table in in_force
        for one in table["Routes"]
    )


def check_ssh_sources(run: Run) -> Iterable[Finding]:
    """It is known who will be let in."""
    yield good(f"ssh will be let in from {', '.join(ssh_sources(run.recipe))}.")

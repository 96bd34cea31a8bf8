"""The network of the machines: subnets, free addresses, routes, and the sources of ssh."""

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
    """Check that there are subnets in the zone of existing volumes, with free addresses."""
    subnets = usable_subnets(run.recipe)
    if not subnets:
        zone = zone_of_volumes(run.recipe)
        yield wrong(
            f"The existing volumes are in {zone}; no subnet is.",
            "Name a subnet of that zone as network.subnet_ids.",
        )
        return
    usable = [subnet for subnet in subnets if int(subnet["AvailableIpAddressCount"]) >= ADDRESSES]
    if not usable:
        named = ", ".join(subnet["SubnetId"] for subnet in subnets)
        yield wrong(
            f"None of {named} has the {ADDRESSES} free addresses that the run needs.",
            "Name another subnet as network.subnet_ids.",
        )
    else:
        places = ", ".join(
            f"{subnet['SubnetId']} ({subnet['AvailabilityZone']})" for subnet in usable
        )
        yield good(f"The machines will be in one of {places}.")


def check_internet_route(run: Run) -> Iterable[Finding]:
    """Check that subnets for public addresses have a route to an internet gateway."""
    network, subnets = run.recipe.network, usable_subnets(run.recipe)
    if network.address == "private":
        yield not_checked(
            "Whether this computer reaches the machines' private addresses, and the machines"
            " reach the internet, shows when the first one runs."
        )
        return
    vpc_ids = {str(subnet["VpcId"]) for subnet in subnets}
    tables = {vpc_id: account.route_tables(vpc_id, run.recipe.region) for vpc_id in vpc_ids}
    closed = [
        subnet
        for subnet in subnets
        if not has_internet_route(subnet["SubnetId"], tables[subnet["VpcId"]])
    ]
    if closed:
        named = ", ".join(subnet["SubnetId"] for subnet in closed)
        yield wrong(
            f"network.address is public, but {named} has no route to an internet gateway.",
            "Name public subnets as network.subnet_ids, or set network.address to private.",
        )
    elif subnets:
        yield good("Every subnet has a route to an internet gateway.")


def check_block_public_access(run: Run) -> Iterable[Finding]:
    """Check that VPC Block Public Access does not block the subnets' internet gateway.

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
    closed = [subnet for subnet in subnets if not {subnet["SubnetId"], subnet["VpcId"]} & excluded]
    if closed:
        named = ", ".join(f"{subnet['SubnetId']} ({subnet['VpcId']})" for subnet in closed)
        yield wrong(
            f"This account blocks public access to the VPCs of {region} ({mode}): no ssh reaches a"
            f" machine in {named}, whatever the routes say.",
            "Name subnets that are excluded from the block in both directions as"
            " network.subnet_ids, have these excluded (ec2:CreateVpcBlockPublicAccessExclusion,"
            " allow-bidirectional), or set network.address to private.",
        )
    elif subnets:
        yield good(f"{region} blocks public access ({mode}), but not to these subnets.")


def has_internet_route(subnet_id: str, tables: list[dict[str, Any]]) -> bool:
    """Return whether a subnet's route table, or else the main one, has a route to a gateway."""
    pairs = [(table, each) for table in tables for each in table.get("Associations", [])]
    own = [table for table, association in pairs if association.get("SubnetId") == subnet_id]
    main = [table for table, association in pairs if association.get("Main")]
    return any(
        route.get("DestinationCidrBlock") == "0.0.0.0/0"
        and str(route.get("GatewayId", "")).startswith("igw-")
        and route.get("State", "active") == "active"
        for table in own or main
        for route in table["Routes"]
    )


def check_ssh_sources(run: Run) -> Iterable[Finding]:
    """Check that the sources of ssh can be determined."""
    yield good(f"ssh will be allowed from {', '.join(ssh_sources(run.recipe))}.")

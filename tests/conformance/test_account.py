"""What an account is told beside EC2: prices and quotas. Only asks."""

import json
from typing import Any

import pytest

from notebake.costs.prices import read_prices
from tests.conformance.world import World
from tests.ec2_actions import code_of

PRICE_LIST = "us-east-1"
ON_DEMAND = {
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
    "capacitystatus": "Used",
}


def usd_per_hour(pricing: Any, instance_type: str, region: str) -> list[float]:
    """Return the list prices that fit: one, or none where the list does not know the type."""
    fields = {**ON_DEMAND, "instanceType": instance_type, "regionCode": region}
    filters = [{"Type": "TERM_MATCH", "Field": key, "Value": fields[key]} for key in fields]
    listed = pricing.get_products(ServiceCode="AmazonEC2", Filters=filters)["PriceList"]
    return [
        float(dimension["pricePerUnit"]["USD"])
        for product in listed
        for term in json.loads(product)["terms"]["OnDemand"].values()
        for dimension in term["priceDimensions"].values()
    ]


def test_the_bundled_prices_are_those_of_the_price_list(world: World) -> None:
    """https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html"""
    pricing = world.client("pricing", PRICE_LIST)
    table = read_prices().instance_types
    listed = {kind: usd_per_hour(pricing, kind, world.account.region) for kind in table}
    with_price = {kind: prices for kind, prices in listed.items() if prices}
    assert "m5.large" in with_price
    assert with_price == {kind: [pytest.approx(table[kind].usd_per_hour)] for kind in with_price}


def test_the_price_list_answers_in_its_own_regions_only(world: World) -> None:
    """https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html"""
    world.needs(world.account.is_ours, "on AWS there is no address to ask: nobody answers")
    nowhere = world.client("pricing")
    assert code_of(nowhere.get_products, ServiceCode="AmazonEC2") == "AccessDeniedException"


def test_the_quota_of_standard_machines_is_told(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html (limits)"""
    parameters = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}
    assert world.client("service-quotas").get_service_quota(**parameters)["Quota"]["Value"] > 0

"""The Price List of AWS: what an instance type costs in an hour on demand."""

import json
from decimal import Decimal
from typing import Any

from notebake.aws.clients import calling, connect
from notebake.aws.permissions import needs
from notebake.aws.policies import POLICY, Statement

READ_PRICES = Statement(
    POLICY,
    "ReadPrices",
    "list prices of instance types for estimates; without it notebake's own table is used. AWS"
    " offers no narrower form",
    ("*",),
)
PRICE_LIST_REGION = "us-east-1"
"""One of the few regions in which the Price List answers, for all regions of its partition.
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html"""
ON_DEMAND = {
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
    "capacitystatus": "Used",
}


@needs("pricing:GetProducts", READ_PRICES, by_check=True)
def list_price(instance_type: str, region: str) -> Decimal | None:
    """Return US dollars per hour; None if the list has no single price."""
    fields = {**ON_DEMAND, "instanceType": instance_type, "regionCode": region}
    filters = [{"Type": "TERM_MATCH", "Field": key, "Value": fields[key]} for key in fields]
    with calling(f"read the list price of {instance_type} in {region}"):
        answer = connect("pricing", PRICE_LIST_REGION, tries=1).get_products(
            ServiceCode="AmazonEC2", Filters=filters
        )
    found = {price for product in answer["PriceList"] for price in _prices_of(json.loads(product))}
    return found.pop() if len(found) == 1 else None


def _prices_of(product: dict[str, Any]) -> set[Decimal]:
    return {
        Decimal(dimension["pricePerUnit"]["USD"])
        for term in product["terms"].get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
        if dimension["unit"] == "Hrs" and "USD" in dimension["pricePerUnit"]
    }

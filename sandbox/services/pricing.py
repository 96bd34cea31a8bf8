"""The Price List of a few instance types, which moto lacks.

On-demand Linux prices in us-west-2, in USD per hour. Prices change: no test may rely on them.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
"""

import json

from sandbox.messages.call import Call
from sandbox.messages.error_reply import write_error
from sandbox.messages.reply import Reply, json_reply

USD_PER_HOUR = {
    "c5.large": 0.085,
    "m5.large": 0.096,
    "m5.xlarge": 0.192,
    "m5.2xlarge": 0.384,
    "m5ad.large": 0.103,
    "m5ad.4xlarge": 0.824,
    "m5ad.12xlarge": 2.472,
    "r5.large": 0.126,
    "t3.nano": 0.0052,
    "t3.micro": 0.0104,
    "t3.small": 0.0208,
    "t3.medium": 0.0416,
    "t3.large": 0.0832,
    "t3.xlarge": 0.1664,
}
ATTRIBUTES = {
    "regionCode": "us-west-2",
    "location": "US West (Oregon)",
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
    "capacitystatus": "Used",
}
# https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
REGIONS = ("us-east-1", "eu-central-1", "ap-south-1")


def answer(call: Call) -> Reply:
    """Answer GetProducts of AmazonEC2 from this table; other instance types have no products."""
    if call.region not in REGIONS:
        message = f"The Price List does not answer in {call.region}"
        return write_error("pricing", 400, "AccessDeniedException", message)
    if call.action != "GetProducts":
        message = f"The sandbox does not support {call.action}"
        return write_error("pricing", 400, "InvalidParameterException", message)
    request = json.loads(call.parameters["body"])
    wanted = {given["Field"]: given["Value"] for given in request.get("Filters", [])}
    products = [json.dumps(_view(kind)) for kind in USD_PER_HOUR if _matches(kind, wanted)]
    if request.get("ServiceCode") != "AmazonEC2":
        products = []
    return json_reply({"FormatVersion": "aws_v1", "PriceList": products})


def _matches(kind: str, wanted: dict[str, str]) -> bool:
    known = {**ATTRIBUTES, "instanceType": kind}
    return all(known.get(field) == value for field, value in wanted.items())


def _view(kind: str) -> dict[str, object]:
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": f"{USD_PER_HOUR[kind]:.10f}"}}
    sku = kind.replace(".", "").upper()
    return {
        "product": {
            "productFamily": "Compute Instance",
            "sku": sku,
            "attributes": {**ATTRIBUTES, "instanceType": kind, "servicecode": "AmazonEC2"},
        },
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": {"priceDimensions": {f"{sku}.1": dimension}}}},
    }

"""EC2's quotas of vCPUs and addresses, which moto lacks: its calls are counted against them."""

import json

from sandbox.ec2.instances.capacity import ELASTIC_ADDRESSES, QUOTAS, STANDARD, quota_of
from sandbox.ec2.state.cloud import Cloud
from sandbox.messages.call import Call
from sandbox.messages.reply import Reply, json_reply

NAMES = {
    STANDARD: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    "L-DB2E81BA": "Running On-Demand G and VT instances",
    "L-417A185B": "Running On-Demand P instances",
    ELASTIC_ADDRESSES: "EC2-VPC Elastic IPs",
}


def answer(cloud: Cloud, call: Call) -> Reply | None:
    """Return the reply for the quotas of this table; None for others, which moto has."""
    if call.action not in ("GetServiceQuota", "ListServiceQuotas"):
        return None
    request = json.loads(call.parameters["body"])
    if request.get("ServiceCode") != "ec2":
        return None
    if call.action == "ListServiceQuotas":
        return json_reply({"Quotas": [_view(cloud, code) for code in QUOTAS]})
    code = request.get("QuotaCode")
    return json_reply({"Quota": _view(cloud, code)}) if code in QUOTAS else None


def _view(cloud: Cloud, code: str) -> dict[str, object]:
    return {
        "ServiceCode": "ec2",
        "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
        "QuotaCode": code,
        "QuotaName": NAMES[code],
        "Value": float(quota_of(cloud.faults.active("limit"), code)),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }

"""EC2's vCPU quotas, which moto does not have."""

import json

from sandbox.calls import Call

# https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
VCPUS = {
    "L-1216C47A": ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 64.0),
    "L-DB2E81BA": ("Running On-Demand G and VT instances", 0.0),
    "L-417A185B": ("Running On-Demand P instances", 0.0),
}


def answer(call: Call) -> bytes | None:
    """Return the answer to GetServiceQuota for a quota known here, else None."""
    if call.action != "GetServiceQuota":
        return None
    asked = json.loads(call.parameters["body"])
    if asked.get("ServiceCode") != "ec2" or asked.get("QuotaCode") not in VCPUS:
        return None
    name, value = VCPUS[asked["QuotaCode"]]
    quota = {
        "ServiceCode": "ec2",
        "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
        "QuotaCode": asked["QuotaCode"],
        "QuotaName": name,
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
    return json.dumps({"Quota": quota}).encode()

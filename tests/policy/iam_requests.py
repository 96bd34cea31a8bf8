"""What IAM is asked for each call, with the tags that things have at that moment."""

import json
from collections.abc import Iterator

from sandbox.ec2.state.cloud import Cloud
from sandbox.messages.call import Call
from tests.policy.ec2_requests import of_ec2, requested
from tests.policy.judge import USER, IamRequest, Request, Thing


def iam_requests_of(call: Call, cloud: Cloud, principal: str = USER) -> list[IamRequest]:
    """Return what IAM is asked before the call is carried out; nothing where AWS asks for none."""
    reader = {
        "ec2": of_ec2,
        "iam": of_iam,
        "kms": of_kms,
        "s3": of_s3,
        # AWS knows no resources of the Price List.
        "pricing": lambda call, _: iter([(f"pricing:{call.operation}", (), {})]),
        "scheduler": of_scheduler,
        "servicequotas": of_quotas,
        "ssm": of_ssm,
        # "No permissions are required to perform this operation." (STS API, GetCallerIdentity)
        "sts": lambda *_: iter(()),
    }[call.service]
    return [
        IamRequest(action, things, context, call.region, principal=principal)
        for action, things, context in reader(call, cloud)
    ]


def of_ssm(call: Call, _: Cloud) -> Iterator[Request]:
    """Yield what is asked of Parameter Store: each parameter, and to tag what is made."""
    document, name = json.loads(call.parameters["body"]), call.operation
    if name == "DescribeParameters":
        yield f"ssm:{name}", (), {}
        return
    names = document.get("Names") or [document.get("Name") or document["ResourceId"]]
    marks = {tag["Key"]: tag["Value"] for tag in document.get("Tags", [])}
    for parameter in names:
        # A public parameter belongs to no account.
        account = "" if parameter.startswith("/aws/") else None
        things = (Thing("parameter", parameter.removeprefix("/"), requested(marks), account),)
        yield f"ssm:{name}", things, {}
        if name == "PutParameter" and marks:
            yield "ssm:AddTagsToResource", things, {}


def of_scheduler(call: Call, _: Cloud) -> Iterator[Request]:
    """Yield what is asked of EventBridge Scheduler: a schedule, and the role it gets."""
    name, place = call.operation, call.action.rpartition("/")[2].partition("?")[0]
    if name == "ListSchedules":
        yield f"scheduler:{name}", (), {}
        return
    yield f"scheduler:{name}", (Thing("schedule", f"default/{place}"),), {}
    if name in ("CreateSchedule", "UpdateSchedule"):
        role = json.loads(call.parameters["body"])["Target"]["RoleArn"].partition(":role/")[2]
        passed = {"iam:PassedToService": "scheduler.amazonaws.com"}
        yield "iam:PassRole", (Thing("role", role, passed),), {}


OF_A_BUCKET = {
    "GetBucketVersioning": "s3:GetBucketVersioning",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
}
"""What IAM calls the operations on a bucket (S3 user guide, "Required permissions")."""


def of_s3(call: Call, _: Cloud) -> Iterator[Request]:
    """Yield what is asked of S3: the object, and the bucket for what may not be there."""
    bucket, key = call.parameters["bucket"], call.parameters["key"]
    things = (Thing("object", f"{bucket}/{key}"),)
    listed = Thing("bucket", bucket)
    if call.operation in OF_A_BUCKET:
        yield OF_A_BUCKET[call.operation], (listed,), {}
    elif call.operation in ("GetObject", "HeadObject"):
        yield "s3:GetObject", things, {}
        # Who may not list a bucket is not told that a key is not there (S3 API, GetObject).
        yield "s3:ListBucket", (listed,), {}
    else:
        yield f"s3:{call.operation}", things, {}


def of_quotas(call: Call, _: Cloud) -> Iterator[Request]:
    """Yield what is asked of Service Quotas."""
    document = json.loads(call.parameters["body"])
    quota = Thing("quota", f"{document['ServiceCode']}/{document['QuotaCode']}")
    yield f"servicequotas:{call.operation}", (quota,), {}


def of_iam(call: Call, _: Cloud) -> Iterator[Request]:
    """Yield what is asked of IAM itself."""
    if call.operation == "GetRole":
        yield "iam:GetRole", (Thing("role", call.parameters["RoleName"]),), {}
        return
    kind, name = call.parameters["PolicySourceArn"].rpartition(":")[2].split("/", 1)
    yield f"iam:{call.operation}", (Thing(kind, name),), {}


def of_kms(call: Call, _: Cloud) -> Iterator[Request]:
    """Yield what is asked of KMS, where it is called directly."""
    key = json.loads(call.parameters["body"])["KeyId"]
    yield f"kms:{call.operation}", (Thing("key", key.rpartition("/")[2]),), {}

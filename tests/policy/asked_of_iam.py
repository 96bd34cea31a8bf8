"""What IAM is asked for each call, with the tags that things have at that moment.

What a call touches is told from its parameters by their form: every id in it, wherever it stands,
and every key pair that it names. What it makes are the kinds that its tags are for. The judge
refuses what lacks a kind that AWS's own data require.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from sandbox.calls import Call
from sandbox.ec2.cloud import Cloud
from tests.policy.asked_with_keys import asked_of_keys
from tests.policy.judge import USER, Asked, Thing

KINDS = {
    "ami": "image",
    "eni": "network-interface",
    "i": "instance",
    "key": "key-pair",
    "sg": "security-group",
    "snap": "snapshot",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
}
ID = re.compile(rf"(?:{'|'.join(KINDS)})-[0-9a-f]{{8,17}}")
KEY_NAME = re.compile(r"^(?:KeyName|LaunchSpecification\.KeyName)$")
SAID = re.compile(r"^(?:Filter|Tag|TagSpecification)\.|^(?:ClientToken|Description|UserData)$")
"""Where an id is only a word."""
MADE = re.compile(r"^TagSpecification\.(\d+)\.ResourceType$")
NEW = "0123456789abcdef0"
"""What a thing is called that has no id yet."""
TAKING = {"DeleteTags"}
ITSELF = {"CreateTags", "DeleteTags"}
"""Their tags are put on what is there."""


def asked_of_iam(call: Call, cloud: Cloud, principal: str = USER) -> list[Asked]:
    """Return what IAM is asked before the call is carried out; nothing where AWS asks for none."""
    reader = {
        "ec2": _of_ec2,
        "iam": _of_iam,
        "kms": _of_kms,
        "s3": _of_s3,
        "scheduler": _of_scheduler,
        "servicequotas": _of_quotas,
        "ssm": _of_ssm,
        # "No permissions are required to perform this operation." (STS API, GetCallerIdentity)
        "sts": lambda *_: iter(()),
    }[call.service]
    return [
        Asked(action, things, context, call.region, principal=principal)
        for action, things, context in reader(call, cloud)
    ]


Request = tuple[str, tuple[Thing, ...], dict[str, Any]]


def _of_ec2(call: Call, cloud: Cloud) -> Iterator[Request]:
    told, name = call.parameters, call.operation
    given = _tags_in(told, "Tag.") if name in ITSELF else {}
    new = {} if name in ITSELF else _made(told)
    things = [_existing(one, call, cloud, given) for one in _named(call, cloud)]
    things += [
        Thing(kind, f"{_prefix(kind)}{NEW}", _requested(marks)) for kind, marks in new.items()
    ]
    made = {"CreateImage": ("image", "snapshot"), "ImportKeyPair": ("key-pair",)}.get(name, ())
    made = made or {"CreateSecurityGroup": ("security-group",)}.get(name, ())
    made = made or {"RunInstances": ("instance", "volume", "network-interface")}.get(name, ())
    things += [Thing(kind, f"{_prefix(kind)}{NEW}") for kind in made if kind not in new]
    yield f"ec2:{name}", tuple(things), {}
    for kind, marks in new.items():
        tagged = Thing(kind, f"{_prefix(kind)}{NEW}", _requested(marks))
        yield "ec2:CreateTags", (tagged,), {"ec2:CreateAction": name}
    yield from asked_of_keys(call, cloud)


def _named(call: Call, cloud: Cloud) -> list[str]:
    """Return the ids that a call names."""
    told = {key: text for key, text in call.parameters.items() if not SAID.match(key)}
    region = cloud.region(call.region)
    found = [one for text in told.values() for one in ID.findall(text)]
    names = [text for key, text in told.items() if KEY_NAME.match(key)]
    if call.operation != "ImportKeyPair":
        pairs = region.network.key_pairs
        found += [pairs[one].id if one in pairs else one for one in names]
    if call.operation == "RunInstances":
        found += _starts_from(call, cloud, found)
    return list(dict.fromkeys(found))


def _starts_from(call: Call, cloud: Cloud, found: list[str]) -> list[str]:
    """Return what a launch uses without naming it: snapshots of the image, the default group."""
    region = cloud.region(call.region)
    image = region.images.get(call.parameters["ImageId"])
    more = [line.snapshot_id for line in image.mapping if line.snapshot_id] if image else []
    if not any(one.startswith("sg-") for one in found):
        more.append(region.network.get_default_security_group().id)
    return more


def _existing(one: str, call: Call, cloud: Cloud, given: dict[str, str]) -> Thing:
    """Return a thing that is there, or that nothing is known of, with its tags."""
    region = cloud.region(call.region)
    context: dict[str, Any] = _requested(given)
    if call.operation in TAKING:
        context = {"aws:TagKeys": list(given)}
    for key, value in region.tags_of(one).items():
        context |= {f"aws:ResourceTag/{key}": value, f"ec2:ResourceTag/{key}": value}
    prefix = one.rpartition("-")[0]
    if prefix == "key" or prefix not in KINDS:
        names = {pair.id: name for name, pair in region.network.key_pairs.items()}
        return Thing("key-pair", names.get(one, one), context)
    return Thing(KINDS[prefix], one, context)


def _made(told: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return the tags of what a call makes, by kind."""
    numbers = {found[1]: kind for key, kind in told.items() if (found := MADE.match(key))}
    return {kind: _tags_in(told, f"TagSpecification.{n}.Tag.") for n, kind in numbers.items()}


def _tags_in(told: dict[str, str], start: str) -> dict[str, str]:
    """Return tags that a call names with their values; "" for those it only names."""
    keys = {key: text for key, text in told.items() if key.startswith(start)}
    return {
        text: keys.get(key.removesuffix("Key") + "Value", "")
        for key, text in keys.items()
        if key.endswith(".Key")
    }


def _requested(marks: dict[str, str]) -> dict[str, Any]:
    if not marks:
        return {}
    return {f"aws:RequestTag/{k}": v for k, v in marks.items()} | {"aws:TagKeys": list(marks)}


def _prefix(kind: str) -> str:
    """Return what the ids of a kind begin with."""
    return next(f"{prefix}-" for prefix, one in KINDS.items() if one == kind)


def _of_ssm(call: Call, _: Cloud) -> Iterator[Request]:
    told, name = json.loads(call.parameters["body"]), call.operation
    if name == "DescribeParameters":
        yield f"ssm:{name}", (), {}
        return
    names = told.get("Names") or [told.get("Name") or told["ResourceId"]]
    marks = {one["Key"]: one["Value"] for one in told.get("Tags", [])}
    for one in names:
        # A public parameter belongs to no account.
        account = "" if one.startswith("/aws/") else None
        things = (Thing("parameter", one.removeprefix("/"), _requested(marks), account),)
        yield f"ssm:{name}", things, {}
        if name == "PutParameter" and marks:
            yield "ssm:AddTagsToResource", things, {}


def _of_scheduler(call: Call, _: Cloud) -> Iterator[Request]:
    name, place = call.operation, call.action.rpartition("/")[2].partition("?")[0]
    if name == "ListSchedules":
        yield f"scheduler:{name}", (), {}
        return
    yield f"scheduler:{name}", (Thing("schedule", f"default/{place}"),), {}
    if name in ("CreateSchedule", "UpdateSchedule"):
        role = json.loads(call.parameters["body"])["Target"]["RoleArn"].partition(":role/")[2]
        passed = {"iam:PassedToService": "scheduler.amazonaws.com"}
        yield "iam:PassRole", (Thing("role", role, passed),), {}


def _of_s3(call: Call, _: Cloud) -> Iterator[Request]:
    bucket, key = call.parameters["bucket"], call.parameters["key"]
    things = (Thing("object", f"{bucket}/{key}"),)
    listed = Thing("bucket", bucket)
    if call.operation == "ListObjectsV2":
        yield "s3:ListBucket", (listed,), {}
    elif call.operation in ("GetObject", "HeadObject"):
        yield "s3:GetObject", things, {}
        # Who may not list a bucket is not told that a key is not there (S3 API, GetObject).
        yield "s3:ListBucket", (listed,), {}
    else:
        yield f"s3:{call.operation}", things, {}


def _of_quotas(call: Call, _: Cloud) -> Iterator[Request]:
    told = json.loads(call.parameters["body"])
    quota = Thing("quota", f"{told['ServiceCode']}/{told['QuotaCode']}")
    yield f"servicequotas:{call.operation}", (quota,), {}


def _of_iam(call: Call, _: Cloud) -> Iterator[Request]:
    if call.operation == "GetRole":
        yield "iam:GetRole", (Thing("role", call.parameters["RoleName"]),), {}
        return
    kind, _, name = call.parameters["PolicySourceArn"].rpartition(":")[2].partition("/")
    yield f"iam:{call.operation}", (Thing(kind, name),), {}


def _of_kms(call: Call, _: Cloud) -> Iterator[Request]:
    key = json.loads(call.parameters["body"])["KeyId"]
    yield f"kms:{call.operation}", (Thing("key", key.rpartition("/")[2]),), {}

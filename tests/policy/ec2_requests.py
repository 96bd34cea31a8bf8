"""What IAM is asked for a call of EC2.

What a call touches is told from its parameters by their form: every id in it, wherever it stands,
and the key pair that it names. What it makes are the kinds that its tags are for. The judge refuses
what lacks a kind that AWS's own data require.
"""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.ec2.instances.profiles import find_profile
from sandbox.ec2.state.cloud import Cloud
from sandbox.messages.call import Call
from tests.policy.judge import Request, Thing
from tests.policy.key_requests import key_requests_of

KINDS = {
    "ami": "image",
    "eipalloc": "elastic-ip",
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
SAID = re.compile(r"^(?:Filter|Tag|TagSpecification)\.|^(?:ClientToken|Description|UserData)$")
"""Where an id is only a word."""
MADE = re.compile(r"^TagSpecification\.(\d+)\.ResourceType$")
NEW = "0123456789abcdef0"
"""What a thing is called that has no id yet."""
MAKING = {
    "AllocateAddress": ("elastic-ip",),
    "CopyImage": ("image", "snapshot"),
    "CreateImage": ("image", "snapshot"),
    "CreateSecurityGroup": ("security-group",),
    "CreateSnapshot": ("snapshot",),
    "CreateVolume": ("volume",),
    "ImportKeyPair": ("key-pair",),
    "RunInstances": ("instance", "volume", "network-interface"),
}
TAKING = {"DeleteTags"}
ITSELF = {"CreateTags", "DeleteTags"}
"""Their tags are put on what is there."""

VIA_EC2 = {"aws:CalledVia": ["ec2-images.amazonaws.com"]}
LOOKED_THROUGH: dict[str, tuple[Thing, ...]] = {
    "ec2:DescribeInstances": (),
    "ec2:DescribeLaunchTemplates": (),
    "ec2:DescribeLaunchTemplateVersions": (),
    "imagebuilder:GetContainerRecipe": (Thing("containerRecipe", "somebodys/1.0.0"),),
    "imagebuilder:ListContainerRecipes": (),
    "imagebuilder:ListImageRecipes": (),
    "ssm:DescribeParameters": (),
    "ssm:GetParameters": (Thing("parameter", "somebodys/image"),),
}
"""What DescribeImageReferences does in the caller's name:
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html"""


def of_ec2(call: Call, cloud: Cloud) -> Iterator[Request]:
    """Yield what IAM is asked: the action, to tag what it makes, and to use keys."""
    parameters, name = call.parameters, call.operation
    given = _tags_in(parameters, "Tag.") if name in ITSELF else {}
    new = {} if name in ITSELF else _made(parameters)
    things = [_existing(resource_id, call, cloud, given) for resource_id in _named(call, cloud)]
    things += [
        Thing(kind, f"{_prefix(kind)}{NEW}", requested(marks)) for kind, marks in new.items()
    ]
    untagged = [kind for kind in MAKING.get(name, ()) if kind not in new]
    things += [Thing(kind, f"{_prefix(kind)}{NEW}") for kind in untagged]
    yield f"ec2:{name}", tuple(things), {}
    for kind, marks in new.items():
        tagged = Thing(kind, f"{_prefix(kind)}{NEW}", requested(marks))
        yield "ec2:CreateTags", (tagged,), {"ec2:CreateAction": name}
    yield from _roles_passed(call, cloud)
    yield from key_requests_of(call, cloud)
    yield from _asked_by_ec2(call, cloud)


def _roles_passed(call: Call, cloud: Cloud) -> Iterator[Request]:
    """Yield that the role of a launch's instance profile is given to EC2."""
    if name := call.parameters.get("IamInstanceProfile.Name"):
        profile = find_profile(cloud.region(call.region), {"Name": name})
        passed = {"iam:PassedToService": "ec2.amazonaws.com"}
        if profile and profile.role:
            yield "iam:PassRole", (Thing("role", profile.role, passed),), {}


def _asked_by_ec2(call: Call, cloud: Cloud) -> Iterator[Request]:
    """Yield what EC2 does in the caller's name, and with the caller's permissions."""
    if call.operation == "DescribeImageReferences":
        yield from ((action, things, VIA_EC2) for action, things in LOOKED_THROUGH.items())
    region = cloud.region(call.region)
    image = region.images.get(call.parameters.get("ImageId", ""))
    if image and call.parameters.get("DeleteAssociatedSnapshots") == "true":
        things = tuple(_existing(id, call, cloud, {}) for id in image.snapshot_ids)
        yield "ec2:DeleteSnapshot", things, {}


def _named(call: Call, cloud: Cloud) -> list[str]:
    """Return the ids that a call names."""
    parameters = {key: text for key, text in call.parameters.items() if not SAID.match(key)}
    region = cloud.region(call.region)
    found = [resource_id for text in parameters.values() for resource_id in ID.findall(text)]
    if "KeyName" in parameters and call.operation != "ImportKeyPair":
        pair = region.network.key_pairs.get(parameters["KeyName"])
        found.append(pair.id if pair else parameters["KeyName"])
    if call.operation == "AssociateAddress":
        # EC2 associates the address with an interface; it does not say whether it asks for that.
        found.append(region.instances[parameters["InstanceId"]].interface.id)
    if call.operation == "RunInstances":
        found += _starts_from(call, cloud, found)
    return list(dict.fromkeys(found))


def _starts_from(call: Call, cloud: Cloud, found: list[str]) -> list[str]:
    """Return what a launch uses without naming it: snapshots of the image, the default group."""
    region = cloud.region(call.region)
    image = region.images.get(call.parameters["ImageId"])
    more = [line.snapshot_id for line in image.mapping if line.snapshot_id] if image else []
    if not any(resource_id.startswith("sg-") for resource_id in found):
        more.append(region.network.get_default_security_group().id)
    return more


def _existing(resource_id: str, call: Call, cloud: Cloud, given: dict[str, str]) -> Thing:
    """Return a thing that is there, or that nothing is known of, with its tags."""
    # A copy is asked for where it goes to, and its source is elsewhere.
    region = cloud.region(call.parameters.get("SourceRegion", call.region))
    context: dict[str, Any] = requested(given)
    if call.operation in TAKING:
        context = {"aws:TagKeys": list(given)}
    for key, value in region.tags_of(resource_id).items():
        context |= {f"aws:ResourceTag/{key}": value, f"ec2:ResourceTag/{key}": value}
    prefix = resource_id.rpartition("-")[0]
    if prefix == "key" or prefix not in KINDS:
        names = {pair.id: name for name, pair in region.network.key_pairs.items()}
        return Thing("key-pair", names.get(resource_id, resource_id), context)
    return Thing(KINDS[prefix], resource_id, context)


def _made(parameters: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return the tags of what a call makes, by kind."""
    numbers = {found[1]: kind for key, kind in parameters.items() if (found := MADE.match(key))}
    return {kind: _tags_in(parameters, f"TagSpecification.{n}.Tag.") for n, kind in numbers.items()}


def _tags_in(parameters: dict[str, str], start: str) -> dict[str, str]:
    """Return tags that a call names with their values; "" for those it only names."""
    keys = {key: text for key, text in parameters.items() if key.startswith(start)}
    return {
        text: keys.get(key.removesuffix("Key") + "Value", "")
        for key, text in keys.items()
        if key.endswith(".Key")
    }


def requested(marks: dict[str, str]) -> dict[str, Any]:
    """Return what conditions see of the tags that a request gives."""
    if not marks:
        return {}
    return {f"aws:RequestTag/{k}": v for k, v in marks.items()} | {"aws:TagKeys": list(marks)}


def _prefix(kind: str) -> str:
    """Return what the ids of a kind begin with."""
    return next(f"{prefix}-" for prefix, known in KINDS.items() if known == kind)

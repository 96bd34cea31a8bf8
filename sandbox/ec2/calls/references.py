"""Who uses an image: the account's instances, launch templates and SSM parameters.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moto.ssm.models import ssm_backends
from moto.utilities.utils import get_partition

from sandbox.ec2.calls.filters import page
from sandbox.ec2.errors import ec2_error, invalid_value
from sandbox.ec2.model import STATE_CODES, Params
from sandbox.ec2.state.region import Region

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageReferences.html
MOST_IMAGES = 10
INSTANCE, TEMPLATE, PARAMETER = "ec2:Instance", "ec2:LaunchTemplate", "ssm:Parameter"
KINDS = (INSTANCE, TEMPLATE, PARAMETER)
OPTIONS = {INSTANCE: "state-name", TEMPLATE: "version-depth"}
DEFAULTS = {INSTANCE: tuple(STATE_CODES), TEMPLATE: ("10",)}
"""Instances in all states, the terminated among them, and ten versions of each template."""
DEEPEST = 10_000


def describe_references(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeImageReferences, without Image Builder, which the sandbox lacks."""
    options = _read_options(parameters)
    ids = list(parameters["ImageIds"])
    if len(ids) > MOST_IMAGES:
        raise invalid_value(len(ids), "imageIds", f"At most {MOST_IMAGES} may be given.")
    for image_id in ids:
        region.find_image(image_id)
    region.check_dry_run(parameters)
    found = [*_instances(region, options), *_templates(region, options)]
    found += _parameters(region) if PARAMETER in options else []
    wanted = [
        {"ImageId": image_id, "ResourceType": kind, "Arn": arn}
        for image_id, kind, arn in dict.fromkeys(found)
        if image_id in ids
    ]
    listed, token = page(wanted, parameters)
    return {"ImageReferences": listed, "NextToken": token}


def _read_options(parameters: Params) -> dict[str, Sequence[str]]:
    """Return the values of the option of each kind that is asked for."""
    given = parameters.get("ResourceTypes", [])
    everything = bool(parameters.get("IncludeAllResourceTypes"))
    if not given and not everything:
        message = "Either IncludeAllResourceTypes or ResourceTypes must be specified"
        raise ec2_error("InvalidParameterCombination", message)
    options: dict[str, Sequence[str]] = {
        kind: DEFAULTS.get(kind, ()) for kind in KINDS if everything
    }
    for each in given:
        kind = each["ResourceType"]
        options[kind] = DEFAULTS.get(kind, ())
        for option in each.get("ResourceTypeOptions", []):
            options[kind] = _check_option(kind, option)
    return options


def _check_option(kind: str, option: Mapping[str, Any]) -> Sequence[str]:
    values: Sequence[str] = option.get("OptionValues", [])
    if option.get("OptionName") != OPTIONS.get(kind):
        raise invalid_value(option.get("OptionName"), "optionName", f"Not an option of {kind}.")
    for value in values:
        is_depth = value.isdecimal() and 1 <= int(value) <= DEEPEST
        if not (value in STATE_CODES if kind == INSTANCE else is_depth):
            raise invalid_value(value, "optionValue")
    return values


def _instances(region: Region, options: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    for instance in region.visibility.visible(region.instances):
        if instance.state in options.get(INSTANCE, ()):
            yield instance.image_id, INSTANCE, _arn(region, "ec2", f"instance/{instance.id}")


def _templates(region: Region, options: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Yield the images in the newest versions of each launch template."""
    if TEMPLATE not in options:
        return
    depth = int(options[TEMPLATE][0])
    for template in region.network.launch_templates.values():
        for version in template.versions[-depth:]:
            if image_id := version.data.get("ImageId"):
                place = _arn(region, "ec2", f"launch-template/{template.id}")
                yield str(image_id), TEMPLATE, place


def _parameters(region: Region) -> Iterator[tuple[str, ...]]:
    """Yield the images that the account's parameters of this data type name.

    AWS does not say whether it also looks into plain text: so nobody should rely on that.
    """
    known = ssm_backends[region.account_id][region.name]._parameters
    for name, versions in known.items():
        if versions and versions[-1].data_type == "aws:ec2:image" and not name.startswith("/aws/"):
            arn = _arn(region, "ssm", f"parameter/{name.removeprefix('/')}")
            yield str(versions[-1].value), PARAMETER, arn


def _arn(region: Region, service: str, place: str) -> str:
    partition = get_partition(region.name)
    return f"arn:{partition}:{service}:{region.name}:{region.account_id}:{place}"

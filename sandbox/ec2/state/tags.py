"""Tags: their limits, and the tags that a creating call brings along."""

from collections.abc import Mapping, Sequence

from moto.ec2.models import validate_resource_ids

from sandbox.ec2.errors import ec2_error, not_found
from sandbox.ec2.model import Params, View
from sandbox.ec2.state.region import Region

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
MOST_TAGS = 50
LONGEST_KEY = 128
LONGEST_VALUE = 256

SpecifiedTags = dict[str, dict[str, str]]
"""Tags by the type of the resource that gets them."""


def read_tag_specifications(parameters: Params, allowed: Sequence[str]) -> SpecifiedTags:
    """Return the checked tags of each resource type that the call may tag."""
    given = parameters.get("TagSpecifications") or parameters.get("TagSpecification") or []
    specified: SpecifiedTags = {kind: {} for kind in allowed}
    for specification in given:
        kind = specification.get("ResourceType", "")
        if kind not in allowed:
            message = f"'{kind}' is not a valid taggable resource type for this operation."
            raise ec2_error("InvalidParameterValue", message)
        specified[kind].update(_read_tags(specification.get("Tags", [])))
    for tags in specified.values():
        check_count(tags)
    return specified


def create_tags(region: Region, parameters: Params) -> None:
    """CreateTags: either all of the resources get the tags, or none."""
    tags = _read_tags(parameters.get("Tags", []))
    resource_ids = parameters["Resources"]
    for resource_id in resource_ids:
        check_exists(region, resource_id)
        check_count({**region.tags_of(resource_id), **tags})
    region.check_dry_run(parameters)
    for resource_id in resource_ids:
        region.tag(resource_id, tags)


def delete_tags(region: Region, parameters: Params) -> None:
    """DeleteTags: a tag given with a value is removed only if it has that value."""
    for resource_id in parameters["Resources"]:
        check_exists(region, resource_id)
        kept = region.tags_of(resource_id)
        region.check_dry_run(parameters)
        for tag in parameters.get("Tags", [{"Key": key} for key in kept]):
            if tag.get("Value", kept.get(tag["Key"])) == kept.get(tag["Key"]):
                region.untag(resource_id, tag["Key"])


def view_tags(region: Region, resource_id: str) -> list[View]:
    """Show the tags of a resource."""
    return [{"Key": key, "Value": value} for key, value in region.shown_tags(resource_id).items()]


def check_exists(region: Region, resource_id: str) -> None:
    """Raise EC2's error if there is no resource with this id."""
    kind = resource_id.partition("-")[0]
    own: Mapping[str, Mapping[str, object]] = {
        "i": region.instances,
        "vol": region.volumes,
        "snap": region.shown_snapshots(),
        "ami": region.shown_images(),
        "eipalloc": region.elastic_addresses,
        "key": {pair.id: pair for pair in region.network.key_pairs.values()},
    }
    if kind in own:
        if resource_id not in own[kind] or not region.visibility.is_visible(resource_id):
            raise not_found(resource_id, kind)
    elif kind == "sg":
        region.find_group(resource_id)
    elif kind == "eni" and region.visibility.is_visible(resource_id):
        region.network.get_network_interface(resource_id)
    else:
        validate_resource_ids([resource_id])
        region.network.do_resources_exist([resource_id])


def _read_tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for tag in given:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if not key or len(key) > LONGEST_KEY:
            message = f"Tag key exceeds the maximum length of {LONGEST_KEY} characters"
            raise ec2_error("InvalidParameterValue", message if key else "Tag key cannot be empty")
        if len(value) > LONGEST_VALUE:
            message = f"Tag value exceeds the maximum length of {LONGEST_VALUE} characters"
            raise ec2_error("InvalidParameterValue", message)
        if key.lower().startswith("aws:"):
            message = f"Value ( {key} ) for parameter key is invalid. Tag keys starting with"
            raise ec2_error(
                "InvalidParameterValue", f"{message} 'aws:' are reserved for internal use"
            )
        if key in tags:
            raise ec2_error("InvalidParameterValue", f"Duplicate tag key '{key}' specified.")
        tags[key] = value
    return tags


def check_count(tags: Mapping[str, str]) -> None:
    """Raise EC2's error for more tags than a resource can have."""
    if len(tags) > MOST_TAGS:
        message = "The maximum number of Tags for a resource has been reached."
        raise ec2_error("TagLimitExceeded", message)

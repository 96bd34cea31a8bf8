"""The SecureStrings that runs have in the Parameter Store, as a look finds them."""

from typing import Any

from notebake.aws import tags
from notebake.aws.clients import calling, connect
from notebake.aws.model import Resource
from notebake.names import PARAMETER_PREFIX


def list_parameters(region: str, run_id: str = "") -> list[Resource]:
    """Return our parameters in a region, of one run if given."""
    ssm = connect("ssm", region)
    start = f"{PARAMETER_PREFIX}{run_id}/" if run_id else PARAMETER_PREFIX
    wanted = [{"Key": "Name", "Option": "BeginsWith", "Values": [start]}]
    with calling(f"list the parameters in {region}"):
        pages = ssm.get_paginator("describe_parameters").paginate(ParameterFilters=wanted)
        found = [one for page in pages for one in page["Parameters"]]
        return [_as_resource(one, _tags_of(ssm, one["Name"]), region) for one in found]


def remove_parameter(name: str, region: str) -> None:
    """Remove a parameter. May be repeated: AWS does not mind one that is gone."""
    with calling(f"remove the parameter {name}"):
        connect("ssm", region).delete_parameters(Names=[name])


def tag_parameter(name: str, marks: dict[str, str], region: str) -> None:
    """Put tags on a parameter."""
    with calling(f"tag the parameter {name}"):
        connect("ssm", region).add_tags_to_resource(
            ResourceType="Parameter", ResourceId=name, Tags=tags.as_list(marks)
        )


def _tags_of(ssm: Any, name: str) -> dict[str, str]:
    """Return a parameter's tags; none for one that has gone meanwhile."""
    try:
        answer = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)
    except ssm.exceptions.InvalidResourceId:
        return {}
    return tags.as_dict(answer["TagList"])


def _as_resource(found: dict[str, Any], marks: dict[str, str], region: str) -> Resource:
    """Return the record of a parameter: the run's id stands in its name."""
    name = str(found["Name"])
    return Resource(
        kind="parameter",
        id=name,
        name=name,
        run_id=name.removeprefix(PARAMETER_PREFIX).partition("/")[0],
        expires=marks.get(tags.EXPIRES, ""),
        tags=marks,
        region=region,
        made_at=found.get("LastModifiedDate"),
    )

"""SSM parameters that hold image ids: the public ones, and those of the account, checked late.

AWS answers PutParameter of the data type aws:ec2:image before it has checked the image: "a
successful HTTP 200 response does not guarantee that your parameter was successfully created or
updated. [...] If you submit an invalid AMI value, the PutParameter operation will return success,
but the asynchronous validation will fail and the parameter will not be created or updated."
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
"""

import json
from datetime import UTC, datetime
from typing import Any

from moto.ssm.models import Parameter, ssm_backends

from sandbox.ec2.state import base_images
from sandbox.ec2.state.cloud import Cloud
from sandbox.faults.registry import Facts
from sandbox.messages.call import Call
from sandbox.messages.error_reply import write_error
from sandbox.messages.reply import Reply

IMAGE = "aws:ec2:image"


class SsmParameters:
    """Comes before and after moto. Hold the cloud's lock."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def before(self, call: Call) -> Reply | None:
        """Publish the region's parameters; return the reply where moto's would be wrong."""
        self._publish(call)
        if call.action != "PutParameter":
            return None
        request = json.loads(call.parameters["body"])
        parameters = self._known(call)
        known = parameters.get(parameters.normalize_name(request["Name"]))
        types = {request.get("DataType"), known[-1].data_type} if known else set()
        return self._refuse_other_type() if IMAGE in types and len(types - {None}) > 1 else None

    def after(self, call: Call, reply: Reply) -> None:
        """Take the value that moto has stored out again, until the image is checked."""
        if call.action != "PutParameter" or reply.status >= 400:
            return
        request = json.loads(call.parameters["body"])
        if request.get("DataType") != IMAGE:
            return
        known, name = self._known(call), str(request["Name"])
        put = known[name].pop()
        if not known[name]:
            del known[known.normalize_name(name)]  # it has no slash before a single part
        facts = {"Name": {name}, "image_id": {str(request["Value"])}}
        faults = self._cloud.faults.fire({"fail", "slow"}, Facts("ssm", (call.action,), facts))
        seconds = [fault.seconds for fault in faults if fault.effect == "slow"]
        if None in seconds:
            return
        is_refused = any(fault.effect == "fail" for fault in faults)
        latency = self._cloud.latency.seconds("parameter")
        self._cloud.after(
            latency + sum(each or 0 for each in seconds),
            lambda: None if is_refused else self._check(call, name, put),
        )

    def _check(self, call: Call, name: str, put: Any) -> None:
        """Let the parameter have the value if it is an image that is available to the account."""
        region = self._cloud.region(call.region, call.account_id)
        image = region.shown_images().get(put.value)
        if image is None or image.state != "available":
            return
        versions = self._known(call)[name]
        put.version = versions[-1].version + 1 if versions else 1
        versions.append(put)

    def _publish(self, call: Call) -> None:
        """Add the public parameters of a region. May be repeated."""
        known = self._known(call)
        for name, value in base_images.ssm_parameters(call.region).items():
            if name not in known:
                known[name].append(_make_parameter(self._account_of(call), name, value))

    def _known(self, call: Call) -> Any:
        """Return moto's parameters of the caller in a region, each with its versions."""
        return ssm_backends[self._account_of(call)][call.region]._parameters

    def _account_of(self, call: Call) -> str:
        return call.account_id or self._cloud.account_id

    @staticmethod
    def _refuse_other_type() -> Reply:
        """Refuse what no parameter can become.

        https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-data-types.html
        """
        message = f"A parameter cannot be changed to or from the data type {IMAGE}."
        return write_error("ssm", 400, "ValidationException", message)


def _make_parameter(account_id: str, name: str, value: str) -> object:
    return Parameter(
        account_id=account_id,
        name=name,
        value=value,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=datetime(2026, 3, 1, tzinfo=UTC),
        version=1,
        data_type=IMAGE,
    )

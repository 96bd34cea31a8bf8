"""The door between moto's request parsing and the sandbox's own EC2 actions."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from sandbox.ec2.calls import protocol
from sandbox.ec2.calls.actions import AFTERWARDS, CHECKS, LEFT_TO_MOTO, NOT_SUPPORTED, OWN
from sandbox.ec2.errors import ServerError, is_empty, refusal, unsupported
from sandbox.ec2.state.cloud import Cloud
from sandbox.ec2.state.region import Region

# The WSGI environment's key for the cloud that a request is for.
CLOUD_KEY = "notebake.sandbox.cloud"
_READING = ("Describe", "Get")


class StrictResponse(EC2Response):  # type: ignore[misc]
    """Answers one EC2 request; moto parses it and writes the XML."""

    def parse_parameters(self, request: Any) -> None:
        """Read lists as EC2 does: from whatever number their first member has."""
        names = ("method", "content_type", "headers", "data", "path")
        plain = {name: getattr(request, name) for name in names}
        values = protocol.renumbered(request.values)
        super().parse_parameters(SimpleNamespace(**plain, values=values))

    def call_action(self) -> Any:
        """Answer one request while nothing else changes."""
        cloud: Cloud = self.normalized_request.environ[CLOUD_KEY]
        action = str(self._get_action())
        with cloud.lock:
            region = cloud.region(self.region)
            region.sight.action = action
            answer = self._answer(region, action)
            if not action.startswith(_READING):
                cloud.changed()
        return answer

    def _answer(self, region: Region, action: str) -> Any:
        parameters = dict(self.params)
        try:
            for name in NOT_SUPPORTED.get(action, set()) & parameters.keys():
                if not is_empty(parameters[name]) and parameters[name] is not False:
                    raise unsupported(f"{name} of {action}")
            if action in OWN:
                return self._write(OWN[action](region, parameters) or {})
            if action not in LEFT_TO_MOTO:
                raise refusal("UnsupportedOperation", f"The sandbox does not know {action}")
            if check := CHECKS.get(action):
                check(region, parameters)
        except ServiceException as error:
            return self._write(error)
        hiding = region.sight.kept_from_moto() if action.startswith(_READING) else nullcontext()
        try:
            with hiding:
                answer = super().call_action()
        except (NotImplementedError, KeyError):
            if not parameters.get("Filters"):
                raise
            names = ", ".join(one.get("Name", "") for one in parameters["Filters"])
            return self._write(unsupported(f"one of these filters of {action}: {names}"))
        if (follow := AFTERWARDS.get(action)) and int(answer[0]) < 400:
            follow(region)
        return answer

    def _write(self, result: object) -> Any:
        # moto's transformers would overrule the states that are shown here.
        self.RESPONSE_KEY_PATH_TO_TRANSFORMER: dict[str, Any] = {}
        status, headers, body = self.serialized(ActionResult(result))
        headers, body = self._enrich_response(headers, body)
        status = getattr(result, "status", status) if isinstance(result, ServerError) else status
        return status, headers, body

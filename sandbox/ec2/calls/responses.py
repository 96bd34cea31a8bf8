"""Passes EC2 requests, which moto parses, to the sandbox's own actions or back to moto."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from sandbox.ec2.calls.actions import AFTERWARDS, CHECKS, LEFT_TO_MOTO, NOT_SUPPORTED, OWN
from sandbox.ec2.calls.protocol import renumber_lists
from sandbox.ec2.errors import ServerError, ec2_error, is_empty, unsupported
from sandbox.ec2.state.cloud import Cloud
from sandbox.ec2.state.region import Region

# The key in the WSGI environment of the cloud that a request is for.
CLOUD_KEY = "notebake.sandbox.cloud"
_READING = ("Describe", "Get")


class StrictResponse(EC2Response):  # type: ignore[misc]
    """Answers an EC2 request; moto parses it and writes the XML."""

    def parse_parameters(self, request: Any) -> None:
        """Read lists as EC2 does, whatever the number of their first member."""
        names = ("method", "content_type", "headers", "data", "path")
        plain = {name: getattr(request, name) for name in names}
        values = renumber_lists(request.values)
        super().parse_parameters(SimpleNamespace(**plain, values=values))

    def call_action(self) -> Any:
        """Answer a request while nothing else changes."""
        cloud: Cloud = self.normalized_request.environ[CLOUD_KEY]
        action = str(self._get_action())
        with cloud.lock:
            region = cloud.region(self.region, self.current_account)
            region.visibility.action = action
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
                raise ec2_error("UnsupportedOperation", f"The sandbox does not support {action}")
            if check := CHECKS.get(action):
                check(region, parameters)
        except ServiceException as error:
            return self._write(error)
        hiding = (
            region.visibility.hidden_from_moto() if action.startswith(_READING) else nullcontext()
        )
        try:
            with hiding:
                answer = super().call_action()
        except (NotImplementedError, KeyError):
            if not parameters.get("Filters"):
                raise
            names = ", ".join(given.get("Name", "") for given in parameters["Filters"])
            return self._write(unsupported(f"one of these filters of {action}: {names}"))
        if (follow := AFTERWARDS.get(action)) and int(answer[0]) < 400:
            follow(region)
        return answer

    def _write(self, result: object) -> Any:
        # moto's transformers would replace the states in the result.
        self.RESPONSE_KEY_PATH_TO_TRANSFORMER: dict[str, Any] = {}
        status, headers, body = self.serialized(ActionResult(result))
        headers, body = self._enrich_response(headers, body)
        status = getattr(result, "status", status) if isinstance(result, ServerError) else status
        return status, headers, body

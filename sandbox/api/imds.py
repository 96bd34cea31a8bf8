"""The instance metadata service, version 2: first a token, then the metadata of the calling host.

A host is identified by its source address. Tokens are kept in memory and belong to a host.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.api.metadata import metadata_of
from sandbox.ec2.model import Instance
from sandbox.ec2.state.cloud import Cloud

TOKEN_PATH = "/latest/api/token"  # noqa: S105
TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_HEADER = "X-aws-ec2-metadata-token"  # noqa: S105
LONGEST_TTL_SECONDS = 21600


class Imds:
    """A WSGI application for all hosts of a cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        with self._cloud.lock:
            caller = self._cloud.instance_at(request.remote_addr or "")
            if not caller:
                return Response(status=404)
            region, instance = caller
            if instance.metadata_options["HttpEndpoint"] == "disabled":
                return Response(status=403)
            if request.path == TOKEN_PATH:
                return self._give_token(request, instance)
            if not self._is_allowed(request, instance):
                return Response(status=401)
            tree = metadata_of(region, instance)
        return _find(tree, request.path)

    def _give_token(self, request: Request, instance: Instance) -> Response:
        if request.method != "PUT":
            return Response(status=405)
        # A request that came through a proxy gets no token, as on EC2.
        if "X-Forwarded-For" in request.headers:
            return Response(status=403)
        ttl = request.headers.get(TTL_HEADER, "")
        if not ttl.isdigit() or not 1 <= int(ttl) <= LONGEST_TTL_SECONDS:
            return Response(status=400)
        token = secrets.token_urlsafe(40)
        with self._lock:
            self._tokens[token] = (instance.id, time.monotonic() + int(ttl))
        return Response(token, mimetype="text/plain", headers={TTL_HEADER: ttl})

    def _is_allowed(self, request: Request, instance: Instance) -> bool:
        token = request.headers.get(TOKEN_HEADER)
        if token is None:
            return bool(instance.metadata_options["HttpTokens"] == "optional")
        with self._lock:
            owner, end = self._tokens.get(token, ("", 0.0))
        return owner == instance.id and time.monotonic() < end


def _find(tree: dict[str, Any], path: str) -> Response:
    names = [name for name in path.split("/") if name]
    if not names:
        return _text("latest\n2021-03-23")
    # Every version has the same tree; cloud-init requests versions by their dates.
    found: Any = tree
    for name in names[1:]:
        if not isinstance(found, dict) or name not in found:
            return Response(status=404)
        found = found[name]
    if isinstance(found, dict):
        return _text(_list(found))
    return _text(found)


def _list(folder: dict[str, Any]) -> str:
    """List a directory. The empty name holds the listing where EC2 has its own form."""
    if "" in folder:
        return str(folder[""])
    return "\n".join(f"{name}/" if isinstance(v, dict) else name for name, v in folder.items())


def _text(content: str | bytes) -> Response:
    return Response(content, mimetype="text/plain")

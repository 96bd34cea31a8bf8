"""Endpoints, proxies and regions of AWS: checks, and hints for errors in them."""

import difflib
import os
import re
from urllib.parse import urlsplit

import botocore.session

from notebake.aws import hints

REGION = re.compile(r"\b[a-z]{2,4}(-[a-z]+)+-\d{1,2}\b")
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")


def check_address(url: str) -> None:
    """Raise ValueError for an endpoint that botocore accepts although it cannot work."""
    wrong = ValueError(f"Invalid endpoint: {url}")
    try:
        parts = urlsplit(url)
        is_complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise wrong from None
    if not is_complete:
        raise wrong


def proxy_hint() -> str:
    """Return which proxy variable to check, without its value; "" if none is set."""
    named = [name for name in PROXIES if os.environ.get(name)]
    if not named:
        return ""
    return (
        f"Check the proxy in {' and '.join(named)}: http://HOST:PORT. If AWS is reached without"
        " one, add .amazonaws.com to NO_PROXY."
    )


def region_hint(text: str) -> str:
    """Return a hint if an endpoint, or what AWS has answered, names an unknown region; else ""."""
    core = botocore.session.get_session()
    known = [
        region
        for partition in core.get_available_partitions()
        for region in core.get_available_regions("ec2", partition)
    ]
    named = [region[0] for region in REGION.finditer(text)]
    if not named or named[0] in known:
        return ""
    near = difflib.get_close_matches(named[0], known, 3)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"{named[0]} is not a known region of AWS.{meant} {hints.REGION}"

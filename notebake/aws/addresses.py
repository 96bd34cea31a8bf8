"""Where AWS is asked: addresses, proxies and regions, and what is wrong with them."""

import difflib
import os
import re
from urllib.parse import urlsplit

import botocore.session

from notebake.aws import hints
from notebake.aws.settings_files import path_of

REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}")
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")


def check_address(url: str) -> None:
    """Raise ValueError for an address that botocore takes and nobody can be asked at."""
    wrong = ValueError(f"Invalid endpoint: {url}")
    try:
        where = urlsplit(url)
        is_whole = where.scheme in ("http", "https") and where.hostname and where.port != 0
    except ValueError:
        raise wrong from None
    if not is_whole:
        raise wrong


def about_endpoint() -> str:
    """Return which address to mend, as far as the environment has it."""
    names = sorted(one for one in os.environ if one.startswith("AWS_ENDPOINT_URL"))
    named = ", ".join(f"{one}={os.environ[one]}" for one in names)
    where = named or f"endpoint_url in {path_of('config_file')}"
    return f"Begin the address with http:// or https://, or unset it: {where}"


def about_proxy() -> str:
    """Return which setting of a proxy to look at, without its value; "" where there is none."""
    named = [one for one in PROXIES if os.environ.get(one)]
    if not named:
        return ""
    return (
        f"Look at the proxy in {' and '.join(named)}: http://HOST:PORT. Where AWS is reached"
        " without one, name .amazonaws.com in NO_PROXY."
    )


def about_region_in(url: str) -> str:
    """Return which region is meant where the address of a service names none of AWS's; else ""."""
    named = [one for one in (urlsplit(url).hostname or "").split(".") if REGION.fullmatch(one)]
    core = botocore.session.get_session()
    known = [
        region
        for partition in core.get_available_partitions()
        for region in core.get_available_regions("ec2", partition)
    ]
    if not named or named[0] in known:
        return ""
    near = difflib.get_close_matches(named[0], known, 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"AWS has no region {named[0]} that is known here.{meant} {hints.REGION}"

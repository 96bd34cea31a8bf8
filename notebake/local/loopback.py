"""Connections to this machine's loopback addresses bypass proxies; all others follow the settings.

A proxy on another machine cannot reach our loopback addresses. Nor may it see their traffic: the
token of JupyterLab goes through a tunnel that starts there.
"""

import ipaddress
import os
from collections.abc import Mapping, MutableMapping
from urllib.parse import urlsplit

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
"""As in NO_PROXY. Address ranges are not possible, as Python does not understand them."""
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


def is_loopback(url: str) -> bool:
    """Return whether the host of a URL is a loopback address."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def bypass_proxy_for_loopback(variables: MutableMapping[str, str] = os.environ) -> None:
    """Add the loopback addresses to NO_PROXY, if a proxy is set.

    On macOS the mere presence of NO_PROXY hides the system's proxies from Python.
    """
    if not any(name.lower() in PROXY_VARIABLES and value for name, value in variables.items()):
        return
    # If both are set, Python and curl use the lower-case variable.
    value = variables.get("no_proxy", variables.get("NO_PROXY", ""))
    # httpx cannot parse an address in brackets.
    names = [name.strip() for name in value.split(",") if name.strip() not in ("", "[::1]")]
    if names != ["*"]:
        names += [name for name in LOOPBACK_NAMES if name not in names]
    variables["no_proxy"] = variables["NO_PROXY"] = ",".join(names)


def proxies_known_to_httpx(variables: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables with which a program that uses httpx can start.

    httpx fails to create any client if a proxy has an unknown scheme. Such a proxy stays usable by
    git: an empty lower-case variable means "no proxy" to Python (urllib.request,
    `getproxies_environment`) and "not set" to curl, which then reads the upper-case one, except for
    http_proxy, which curl reads in lower case only.
    """
    given = dict(variables)
    for name in PROXY_VARIABLES:
        value = given.get(name) or given.get(name.upper(), "")
        if value and not _is_known_to_httpx(value):
            given |= {name: "", name.upper(): value}
    for name in ("no_proxy", "NO_PROXY"):
        if name in given:
            # httpx 0.28 cannot parse an IPv6 range in NO_PROXY.
            values = given[name].split(",")
            given[name] = ",".join(v for v in values if "://" in v or not (":" in v and "/" in v))
    return given


def _is_known_to_httpx(proxy: str) -> bool:
    """Return whether httpx 0.28 can use the proxy, without the package for socks."""
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        return parts.scheme in ("http", "https") and (parts.port or 80) > 0
    except ValueError:
        return False

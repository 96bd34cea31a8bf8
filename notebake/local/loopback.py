"""What goes to this machine itself goes to no proxy; what goes to the world goes as it is told to.

A proxy on another machine cannot reach our loopback addresses, and must not see what is said there:
the token of a machine goes through a tunnel that begins at one.
"""

import ipaddress
import os
from collections.abc import Mapping, MutableMapping
from urllib.parse import urlsplit

HERE = ("localhost", "127.0.0.1", "::1")
"""As they stand in NO_PROXY. Ranges are not understood by all who read it (Python does not)."""
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def is_loopback(url: str) -> bool:
    """Tell whether an address is one of this machine's loopback."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def keep_loopback_direct(variables: MutableMapping[str, str] = os.environ) -> None:
    """Let programs with these variables reach this machine without a proxy; add to what is there.

    Nothing is done where no proxy is named: on macOS the mere presence of NO_PROXY hides the
    proxies of the system from Python.
    """
    if not any(name.lower() in PROXIES and value for name, value in variables.items()):
        return
    # Python and curl believe the spelling in small letters, where there are two.
    named = variables.get("no_proxy", variables.get("NO_PROXY", ""))
    # In brackets httpx cannot read it.
    names = [one.strip() for one in named.split(",") if one.strip() not in ("", "[::1]")]
    if names != ["*"]:
        names += [one for one in HERE if one not in names]
    variables["no_proxy"] = variables["NO_PROXY"] = ",".join(names)


def usable_by_python(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables with which httpx can be used, for programs in which we cannot tell it so.

    It fails as soon as a client is made where a proxy is of a kind that it does not know, whatever
    is to be asked. Such proxies are left to git: an empty name in small letters is "none" to Python
    (urllib.request, `getproxies_environment`) and "not set" to curl, which then reads the one in
    capitals; but for plain http, which curl takes in small letters alone.
    """
    given = dict(variables)
    for name in PROXIES:
        value = given.get(name) or given.get(name.upper(), "")
        if value and not _is_known_to_httpx(value):
            given |= {name: "", name.upper(): value}
    for name in ("no_proxy", "NO_PROXY"):
        if name in given:
            given[name] = ",".join(filter(_is_name_known_to_httpx, given[name].split(",")))
    return given


def _is_known_to_httpx(proxy: str) -> bool:
    """Tell whether httpx 0.28 can use a proxy, without the package for socks."""
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        return parts.scheme in ("http", "https") and (parts.port or 80) > 0
    except ValueError:
        return False


def _is_name_known_to_httpx(name: str) -> bool:
    """Tell whether httpx 0.28 can read a name in NO_PROXY: ranges of IPv6 it cannot."""
    return "://" in name or not (":" in name and "/" in name)

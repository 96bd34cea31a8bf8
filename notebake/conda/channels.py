"""Which channels a name means on a machine, as conda itself would read the machine's settings.

It goes along to the host and needs the standard library only: a company says by a .condarc, or by
variables of the environment, where its conda packages are. Anaconda's own channels want their terms
to be accepted, which nobody can do for somebody else: they are taken as conda-forge.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

ALIAS = "https://conda.anaconda.org"
"""Where a channel is that has a name only (conda's documentation, "channel_alias")."""
INSTEAD = "conda-forge"
ANACONDA = re.compile(
    r"defaults|anaconda|main|r|msys2"
    r"|(?:https?://(?:repo\.anaconda\.com|repo\.continuum\.io)/)?pkgs(?:/[\w.-]+)?"
    r"|https?://(?:repo\.anaconda\.com|repo\.continuum\.io)(?:/\S*)?"
    r"|https?://conda\.anaconda\.org/(?:anaconda|main|r|msys2)(?:/\S*)?"
    r"|https?://anaconda\.org/anaconda(?:/\S*)?",
    re.IGNORECASE,
)
TOKEN = re.compile(r"/t/(?P<token>[A-Za-z0-9-]+)(?=/|$)")
PLACES = (
    *("/etc/conda/.condarc", "/etc/conda/condarc", "/etc/conda/condarc.d/"),
    *("/var/lib/conda/.condarc", "/var/lib/conda/condarc", "/var/lib/conda/condarc.d/"),
    *("$CONDA_ROOT/.condarc", "$CONDA_ROOT/condarc", "$CONDA_ROOT/condarc.d/"),
    *("$XDG_CONFIG_HOME/conda/.condarc", "$XDG_CONFIG_HOME/conda/condarc"),
    "$XDG_CONFIG_HOME/conda/condarc.d/",
    *("~/.config/conda/.condarc", "~/.config/conda/condarc", "~/.config/conda/condarc.d/"),
    *("~/.conda/.condarc", "~/.conda/condarc", "~/.conda/condarc.d/"),
    *("~/.condarc", "$CONDARC"),
)
"""Where conda looks for settings, the later before the earlier (conda/base/constants.py,
SEARCH_PATH, 26.3); what a prefix holds is left out, as there is none yet."""
LISTS = ("channels", "default_channels")
WORDS = ("channel_alias", "ssl_verify")
MAPS = ("custom_channels", "custom_multichannels", "mirrored_channels", "proxy_servers")


def is_anaconda(channel: str) -> bool:
    """Tell whether a channel, by name or address, is one of Anaconda's own."""
    return ANACONDA.fullmatch(channel.strip().rstrip("/")) is not None


def merge_settings(
    files: Iterable[Mapping[str, Any]], environment: Mapping[str, str]
) -> dict[str, Any]:
    """Return what holds on the machine of all its files, given in conda's order.

    As in conda, the later file wins, lists are put before those of earlier files, and maps are
    joined; CONDA_CHANNELS and its kind come last.
    """
    merged: dict[str, Any] = {}
    for settings in (*files, dict(settings_of(environment))):
        for key in LISTS:
            found = settings.get(key)
            found = [found] if isinstance(found, str) else found
            if isinstance(found, list):
                before = merged.get(key, [])
                merged[key] = list(dict.fromkeys([*map(str, found), *before]))
        for key in MAPS:
            if isinstance(settings.get(key), Mapping):
                merged[key] = {**merged.get(key, {}), **settings[key]}
        merged |= {key: settings[key] for key in WORDS if settings.get(key) is not None}
    return merged


def settings_of(environment: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield the settings that the environment's variables make, where they make any."""
    for key in LISTS:
        if value := environment.get(f"CONDA_{key.upper()}"):
            yield key, [one.strip() for one in re.split("[,&]", value) if one.strip()]
    for key in WORDS:
        if value := environment.get(f"CONDA_{key.upper()}"):
            yield key, value


def wanted_channels(asked: Iterable[str], settings: Mapping[str, Any]) -> list[str]:
    """Return the channels by their names, best first: those of the file, then the machine's own.

    Where the machine names none that is conda-forge, which has JupyterLab. `nodefaults` means that
    nothing of Anaconda's is added, which nothing is.
    """
    own = settings.get("channels") or []
    named = [one for one in (*asked, *own) if one != "nodefaults"]
    if not own:
        named.append(INSTEAD)
    return list(dict.fromkeys(named))


def addresses_of(channel: str, settings: Mapping[str, Any]) -> list[str]:
    """Return the addresses that a channel's name stands for on this machine, best first."""
    own = settings.get("custom_multichannels", {}).get(channel, [])
    if not own and is_anaconda(channel):
        # Where a company keeps a copy of them, which is its own business.
        own = [one for one in settings.get("default_channels", []) if one != "defaults"]
    return list(dict.fromkeys(address_of(one, settings) for one in own or [channel]))


def address_of(channel: str, settings: Mapping[str, Any]) -> str:
    """Return the address of one channel that stands for no list."""
    first, slash, rest = channel.partition("/")
    custom = settings.get("custom_channels", {})
    if channel in custom or first in custom:
        within = channel if channel in custom else first
        return "/".join((str(custom[within]).rstrip("/"), channel))
    if is_anaconda(channel):
        return address_of(INSTEAD, settings)
    if "://" in channel:
        return channel.rstrip("/")
    if channel.startswith("/"):
        return f"file://{channel.rstrip('/')}"
    alias = str(settings.get("channel_alias") or ALIAS).rstrip("/")
    if "://" not in alias:
        alias = f"https://{alias}"
    return f"{alias}/{first}{slash}{rest}".rstrip("/")


def without_credentials(address: str) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return an address without name, password and token, and those as rattler keeps them.

    The second is what RATTLER_AUTH_FILE holds: by host, how to log in there.
    """
    parts = urlsplit(address)
    host, path = parts.hostname or "", parts.path
    logins: dict[str, dict[str, Any]] = {}
    if token := TOKEN.search(path):
        logins[host] = {"CondaToken": token["token"]}
        path = path[: token.start()] + path[token.end() :]
    elif parts.username is not None:
        name, password = unquote(parts.username), unquote(parts.password or "")
        logins[host] = {"BasicHTTP": {"username": name, "password": password}}
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=where, path=path)), logins

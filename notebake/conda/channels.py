"""The URLs that channel names stand for on a machine, by conda's rules and the machine's settings.

Runs on the host with the standard library only. A company sets its channels in a .condarc or in
environment variables. Anaconda's own channels require each user to accept terms, so conda-forge
replaces them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

ALIAS = "https://conda.anaconda.org"
"""The base URL of plain channel names (conda's documentation, "channel_alias")."""
DEFAULT_CHANNEL = "conda-forge"
ANACONDA = re.compile(
    r"defaults|anaconda|main|r|msys2"
    r"|(?:https?://(?:repo\.anaconda\.com|repo\.continuum\.io)/)?pkgs(?:/[\w.-]+)?"
    r"|https?://(?:repo\.anaconda\.com|repo\.continuum\.io)(?:/\S*)?"
    r"|https?://conda\.anaconda\.org/(?:anaconda|main|r|msys2)(?:/\S*)?"
    r"|https?://anaconda\.org/anaconda(?:/\S*)?",
    re.IGNORECASE,
)
TOKEN = re.compile(r"/t/(?P<token>[A-Za-z0-9-]+)(?=/|$)")
LIST_SETTINGS = ("channels", "default_channels")
PLAIN_SETTINGS = ("channel_alias", "ssl_verify")
MAP_SETTINGS = ("custom_channels", "custom_multichannels", "mirrored_channels", "proxy_servers")


def is_anaconda(channel: str) -> bool:
    """Return whether a channel name or URL is one of Anaconda's own channels."""
    return ANACONDA.fullmatch(channel.strip().rstrip("/")) is not None


def merge_settings(
    files: Iterable[Mapping[str, Any]], environment: Mapping[str, str]
) -> dict[str, Any]:
    """Return the effective settings of files in conda's order, and of environment variables.

    As in conda, a later file takes precedence: its lists go before those of earlier files, and
    its maps are merged over theirs. Variables such as CONDA_CHANNELS come last.
    """
    merged: dict[str, Any] = {}
    for settings in (*files, dict(settings_in(environment))):
        for key in LIST_SETTINGS:
            found = settings.get(key)
            found = [found] if isinstance(found, str) else found
            if isinstance(found, list):
                before = merged.get(key, [])
                merged[key] = list(dict.fromkeys([*map(str, found), *before]))
        for key in MAP_SETTINGS:
            if isinstance(settings.get(key), Mapping):
                merged[key] = {**merged.get(key, {}), **settings[key]}
        merged |= {key: settings[key] for key in PLAIN_SETTINGS if settings.get(key) is not None}
    return merged


def settings_in(environment: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield the settings that environment variables define."""
    for key in LIST_SETTINGS:
        if value := environment.get(f"CONDA_{key.upper()}"):
            yield key, [item.strip() for item in re.split("[,&]", value) if item.strip()]
    for key in PLAIN_SETTINGS:
        if value := environment.get(f"CONDA_{key.upper()}"):
            yield key, value


def channel_names(requested: Iterable[str], settings: Mapping[str, Any]) -> list[str]:
    """Return the channels to use, best first: the requested ones, then the machine's own.

    A machine without channels of its own gets conda-forge, which has JupyterLab. `nodefaults` only
    excludes Anaconda's channels, which are never used.
    """
    own = settings.get("channels") or []
    names = [name for name in (*requested, *own) if name != "nodefaults"]
    if not own:
        names.append(DEFAULT_CHANNEL)
    return list(dict.fromkeys(names))


def channel_urls(channel: str, settings: Mapping[str, Any]) -> list[str]:
    """Return the URLs that a channel name stands for on this machine, best first."""
    names = settings.get("custom_multichannels", {}).get(channel, [])
    if not names and is_anaconda(channel):
        # default_channels names a company's own mirror of Anaconda's channels.
        names = [name for name in settings.get("default_channels", []) if name != "defaults"]
    return list(dict.fromkeys(channel_url(name, settings) for name in names or [channel]))


def channel_url(channel: str, settings: Mapping[str, Any]) -> str:
    """Return the URL of a single channel."""
    first, slash, rest = channel.partition("/")
    custom = settings.get("custom_channels", {})
    if channel in custom or first in custom:
        within = channel if channel in custom else first
        return "/".join((str(custom[within]).rstrip("/"), channel))
    if is_anaconda(channel):
        return channel_url(DEFAULT_CHANNEL, settings)
    if "://" in channel:
        return channel.rstrip("/")
    if channel.startswith("/"):
        return f"file://{channel.rstrip('/')}"
    alias = str(settings.get("channel_alias") or ALIAS).rstrip("/")
    if "://" not in alias:
        alias = f"https://{alias}"
    return f"{alias}/{first}{slash}{rest}".rstrip("/")


def split_credentials(url: str) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return a URL without login and token, and both in the form of RATTLER_AUTH_FILE, by host."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", parts.path
    logins: dict[str, dict[str, Any]] = {}
    if token := TOKEN.search(path):
        logins[host] = {"CondaToken": token["token"]}
        path = path[: token.start()] + path[token.end() :]
    elif parts.username is not None:
        name, password = unquote(parts.username), unquote(parts.password or "")
        logins[host] = {"BasicHTTP": {"username": name, "password": password}}
    netloc = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=netloc, path=path)), logins

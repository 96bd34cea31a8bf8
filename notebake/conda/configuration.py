"""The conda settings of the machine: its channels, and how to connect to them.

Runs on the host in rattler's environment.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rattler import Client, Config
from rattler.platform import Subdir
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from notebake.conda.channels import channel_urls, merge_settings, split_credentials
from notebake.conda.errors import CondaError

RETRIES = 5
SEARCH_PATH = (
    *("/etc/conda/.condarc", "/etc/conda/condarc", "/etc/conda/condarc.d/"),
    *("/var/lib/conda/.condarc", "/var/lib/conda/condarc", "/var/lib/conda/condarc.d/"),
    *("$CONDA_ROOT/.condarc", "$CONDA_ROOT/condarc", "$CONDA_ROOT/condarc.d/"),
    *("$XDG_CONFIG_HOME/conda/.condarc", "$XDG_CONFIG_HOME/conda/condarc"),
    "$XDG_CONFIG_HOME/conda/condarc.d/",
    *("~/.config/conda/.condarc", "~/.config/conda/condarc", "~/.config/conda/condarc.d/"),
    *("~/.conda/.condarc", "~/.conda/condarc", "~/.conda/condarc.d/"),
    *("~/.condarc", "$CONDARC"),
)
"""conda's own search path; later files take precedence (conda/base/constants.py, SEARCH_PATH,
26.3). The places in a prefix are left out, as there is no prefix yet."""


class Configuration:
    """The machine's conda settings; collects the channels' logins while it resolves their URLs."""

    def __init__(self, cache: Path, auth_file: Path) -> None:
        self.settings = merge_settings(read_settings(), os.environ)
        self.cache, self.auth_file = cache, auth_file
        self.platforms = [Subdir.current(), Subdir("noarch")]
        self.logins: dict[str, Any] = {}

    def urls(self, channels: Iterable[str]) -> list[str]:
        """Return the URLs of these channels, best first and without logins, which are kept."""
        found: list[str] = []
        for channel in channels:
            for url in channel_urls(channel, self.settings):
                plain, logins = split_credentials(url)
                self.logins |= logins
                found.append(plain)
        return list(dict.fromkeys(found))

    def mirrors(self) -> dict[str, list[str]]:
        """Return the URLs of the mirrors in mamba's setting, by the URL of their channel."""
        mirrored: Mapping[str, Any] = self.settings.get("mirrored_channels", {})
        lists = {name: [urls] if isinstance(urls, str) else urls for name, urls in mirrored.items()}
        return {self.urls([name])[0]: self.urls(urls) for name, urls in lists.items()}

    def client(self) -> Client:
        """Return an HTTP client with the machine's certificate authorities, proxies and logins."""
        lines = ['tls-root-certs = "system"']
        verify = self.settings.get("ssl_verify", True)
        if str(verify).lower() == "false":
            lines.append("tls-no-verify = true")
        bundle = (
            str(verify) if Path(str(verify)).is_file() else os.environ.get("REQUESTS_CA_BUNDLE")
        )
        if bundle:
            os.environ.setdefault("SSL_CERT_FILE", bundle)
        for scheme, proxy in self.settings.get("proxy_servers", {}).items():
            os.environ.setdefault(f"{scheme}_proxy", str(proxy))
        mirrors = self.mirrors()
        if mirrors:
            lines.append("[mirrors]")
            lines += (f"{json.dumps(url)} = {json.dumps(mirrors[url])}" for url in mirrors)
        self.auth_file.touch(mode=0o600)
        self.auth_file.write_text(json.dumps(self.logins))
        os.environ["RATTLER_AUTH_FILE"] = str(self.auth_file)
        return Client.from_config(Config.from_toml("\n".join(lines)), max_retries=RETRIES)


def read_settings() -> Iterator[dict[str, Any]]:
    """Yield the settings of each configuration file, in conda's order."""
    known = {"XDG_CONFIG_HOME": "", "CONDA_ROOT": "", "CONDARC": "", **os.environ}
    for place in SEARCH_PATH:
        variable = place[1:].partition("/")[0] if place.startswith("$") else ""
        if variable and not known[variable]:
            continue  # with an empty variable, the path would begin at the root
        path = Path(os.path.expandvars(place)).expanduser()
        within = path.glob("*.y*ml") if place.endswith("/") else iter([path])
        for file in sorted(within):
            if file.is_file():
                yield read_file(file)


def read_file(file: Path) -> dict[str, Any]:
    """Return the settings of one file, in which conda expands environment variables."""
    try:
        settings = YAML(typ="safe").load(os.path.expandvars(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise CondaError(f"conda's configuration file {file} cannot be read: {error}") from None
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise CondaError(f"conda's configuration file {file} is not a YAML mapping.")
    return settings

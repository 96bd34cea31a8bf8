"""What a machine's own settings of conda say: which channels, and how to reach them.

It goes along to the host and runs in rattler's environment.
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

from notebake.conda.channels import PLACES, addresses_of, merge_settings, without_credentials
from notebake.conda.trouble import TroubleError

RETRIES = 5


class Machine:
    """What the machine's own settings say of channels, and how to reach them."""

    def __init__(self, cache: Path, private: Path) -> None:
        self.files = list(read_settings())
        self.settings = merge_settings(self.files, os.environ)
        self.cache, self.private = cache, private
        self.platforms = [Subdir.current(), Subdir("noarch")]
        self.logins: dict[str, Any] = {}

    def addresses(self, channels: Iterable[str]) -> list[str]:
        """Return the addresses of all channels, best first, and keep how to log in there."""
        found: list[str] = []
        for channel in channels:
            for address in addresses_of(channel, self.settings):
                plain, logins = without_credentials(address)
                self.logins |= logins
                found.append(plain)
        return list(dict.fromkeys(found))

    def mirrors(self) -> dict[str, list[str]]:
        """Return the mirrors that mamba's setting names, by the address of their channel."""
        named: Mapping[str, Any] = self.settings.get("mirrored_channels", {})
        every = {name: [one] if isinstance(one, str) else one for name, one in named.items()}
        return {self.addresses([name])[0]: self.addresses(one) for name, one in every.items()}

    def client(self) -> Client:
        """Return what fetches: by the system's authorities, the machine's proxies and logins."""
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
            lines += (f"{json.dumps(one)} = {json.dumps(mirrors[one])}" for one in mirrors)
        self.private.touch(mode=0o600)
        self.private.write_text(json.dumps(self.logins))
        os.environ["RATTLER_AUTH_FILE"] = str(self.private)
        return Client.from_config(Config.from_toml("\n".join(lines)), max_retries=RETRIES)


def read_settings() -> Iterator[dict[str, Any]]:
    """Yield the machine's settings of conda, file by file in conda's order."""
    # Without what the variable names, a place would be one below the root.
    known = {"XDG_CONFIG_HOME": "", "CONDA_ROOT": "", "CONDARC": "", **os.environ}
    for place in PLACES:
        variable = place[1:].partition("/")[0] if place.startswith("$") else ""
        if variable and not known[variable]:
            continue
        path = Path(os.path.expandvars(place)).expanduser()
        within = path.glob("*.y*ml") if place.endswith("/") else iter([path])
        for file in sorted(within):
            if file.is_file():
                yield read_file(file)


def read_file(file: Path) -> dict[str, Any]:
    """Return one file of settings; a variable in it is the environment's, as conda reads it."""
    try:
        settings = YAML(typ="safe").load(os.path.expandvars(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise TroubleError(f"conda's settings in {file} cannot be read: {error}") from None
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise TroubleError(f"conda's settings in {file} are no YAML mapping.")
    return settings

"""Rules for files that typically contain credentials, by file name."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple


class FileNameRule(NamedTuple):
    """A file name, and a pattern in the content; without a pattern, any content is a finding.

    The name is relative to a home if it begins with `~/`, otherwise any end of the path.
    """

    rule: str
    path: re.Pattern[str]
    content: re.Pattern[bytes] | None = None


AFTER_SLASH = r"(?:^|/)"


def _rule(rule: str, path: str, content: str | None = None) -> FileNameRule:
    start = "" if path.startswith(("~/", "^")) else AFTER_SLASH
    pattern = None if content is None else re.compile(content.encode(), re.M)
    return FileNameRule(rule, re.compile(f"{start}(?:{path})$"), pattern)


AUTHORIZED_KEY = "authorized key"
SSH_HOST_KEY = "ssh host key"
RULES = (
    _rule(AUTHORIZED_KEY, r"\.ssh/authorized_keys2?|^etc/ssh/authorized_keys[^/]*", r"^\s*[^#\s]"),
    _rule(SSH_HOST_KEY, r"^etc/ssh/ssh_host_\w+_key"),
    _rule("ssh private key", r"\.ssh/id_(?!.*\.pub$)[^/]+|[^/]+\.ppk", r"PRIVATE|PuTTY"),
    _rule(
        "history",
        r"~/\.(?:bash|zsh|sh|ash|python|psql|mysql|mariadb|sqlite|node_repl|rediscli|julia|mongo)"
        r"_history|~/\.(?:zhistory|histfile|lesshst|Rhistory|octave_hist|viminfo|dbshell|wget-hsts)"
        r"|~/\.local/(?:share|state)/(?:lesshst|fish/fish_history|nano/search_history)"
        r"|~/\.julia/logs/repl_history\.jl|~/\.ipython/profile_[^/]+/history\.sqlite.*",
    ),
    _rule(
        "Jupyter's own secret",
        r"(?:jpserver|nbserver)-[^/]*\.(?:json|html)|jupyter/runtime/[^/]+|jupyter_cookie_secret"
        r"|notebook_cookie_secret|notebook_secret|nbsignatures\.db|^etc/notebake/jupyter-token(?:\..+)?",
    ),
    _rule(
        "Jupyter password or token",
        r"jupyter_\w*config\.(?:py|json)",
        r"^[^#\n]*(?:token|password)\"?\s*[:=]\s*u?[\"'](?!<)[^\"'\n]{4,}[\"']",
    ),
    _rule("cloud-init's record of this machine", r"^var/lib/cloud/instances/.*"),
    _rule(
        "cloud-init's seed", r"^var/lib/cloud/seed/.*", r"ssh_keys|passw|PRIVATE KEY|ssh-authorized"
    ),
    _rule("systemd's credential key", r"^var/lib/systemd/credential\.secret"),
    _rule("Ubuntu Pro token", r"^var/lib/ubuntu-advantage/private/machine-token\.json"),
    _rule("identity of this machine", r"^var/lib/snapd/device/private-keys-v1/.+"),
    _rule("identity of this machine", r"^etc/iscsi/initiatorname\.iscsi", r"^InitiatorName="),
    _rule("identity of this machine", r"^var/lib/amazon/ssm/(?:.+/)?(?:Vault/.+|RegistrationKey)"),
    _rule("identity of this machine", r"^var/lib/landscape/client/\w+\.bpickle"),
    _rule("identity of this machine", r"^var/lib/zerotier-one/identity\.secret"),
    _rule("identity of this machine", r"^var/lib/tailscale/tailscaled\.state", r"[Kk]ey"),
    _rule("key of a WireGuard tunnel", r"^etc/wireguard/.+\.conf", r"^\s*PrivateKey\s*=\s*\S"),
    _rule("password of a user", r"^etc/shadow-?", r"^[^:\n]+:[$_.\w/]"),
    _rule("credential for a web site", r"[._]netrc", r"password\s+\S"),
    _rule("credential for git", r"\.git-credentials|\.config/git/credentials", r"://\S+@"),
    _rule(
        "credential for git", r"\.config/(?:gh/hosts|hub|glab-cli/config)\.?y?m?l?", r"token: *\S"
    ),
    _rule(
        "credential for git",
        r"\.git/config|\.gitconfig",
        r"^\s*extraheader\s*=.*(?i:authorization)",
    ),
    _rule(
        "credential for AWS", r"\.aws/(?:credentials|config)", r"^\s*aws_(?:secret|session)\w*\s*="
    ),
    _rule("credential for AWS", r"\.aws/(?:sso|cli|login)/cache/.+"),
    _rule(
        "credential for S3", r"\.s3cfg|\.boto|\.passwd-s3fs", r"^\s*secret_key *= *\S|\w{16}:\S{30}"
    ),
    _rule("credential for PostgreSQL", r"\.pgpass", r"^[^#\n]+:[^:\n]+$"),
    _rule("credential for MySQL", r"\.my(?:login)?\.cnf", r"^\s*password\s*=\s*\S|^[\x00-\x08]"),
    _rule(
        "credential for a container registry",
        r"\.docker/config\.json|\.dockercfg|containers/auth\.json",
        r"\"(?:auth|identitytoken|registrytoken)\"\s*:\s*\"[^\"]",
    ),
    _rule("credential for npm", r"\.(?:npm|yarn)rc", r"_(?:auth|authToken|password)\s*=\s*[^\s$]"),
    _rule("credential for PyPI", r"\.pypirc", r"^\s*password\s*[=:]\s*\S"),
    _rule(
        "credential for Kubernetes",
        r"\.kube/config",
        r"^\s*-?\s*(?:client-key-data|token|password)\s*:\s*\S",
    ),
    _rule(
        "credential for Google",
        r"gcloud/(?:credentials\.db|access_tokens\.db|application_default_credentials\.json"
        r"|legacy_credentials/.+)|\.config/earthengine/credentials",
    ),
    _rule(
        "credential for Azure",
        r"\.azure/(?:accessTokens\.json|msal_token_cache\.\w+|service_principal_entries\.\w+)",
    ),
    _rule(
        "credential for rclone",
        r"\.?rclone\.conf",
        r"^\s*(?:pass|password|secret_access_key|token|client_secret|key|account_key|sas_url"
        r"|service_account_credentials)\s*=\s*\S",
    ),
    _rule("credential for Hugging Face", r"\.?huggingface/(?:stored_)?tokens?"),
    _rule("credential for Kaggle", r"\.?kaggle(?:/kaggle)?\.json", r"\"key\"\s*:\s*\"\w"),
    _rule("credential for climate data", r"\.(?:cdsapi|ecmwfapi|adsapi)rc", r"key\"?\s*:\s*\S"),
    _rule("credential for climate data", r"\.copernicusmarine-credentials|\.motuclient-python"),
    _rule("credential for climate data", r"\.urs_cookies|\.dodsrc", r"URS|urs_|PASSWORD=\S"),
    _rule("credential for Globus", r"\.globus/.*storage\.db|\.globusonline/.+"),
    _rule("GnuPG private key", r"\.gnupg/(?:private-keys-v1\.d/.+|secring\.gpg)"),
    _rule("credential for Vault or Terraform", r"\.vault-token|credentials\.tfrc\.json"),
    _rule(
        "secret in an environment file",
        r"\.env(?:\.local|\.prod\w*)?|\.Renviron|\.streamlit/secrets\.toml",
        r"^\s*(?:export\s+)?\w*(?i:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY)\w*\s*=\s*"
        r"[\"']?(?![\"'$<{#]|(?i:your|change|example|xxx|none|null|true|false))[^\s\"']{6,}",
    ),
)


_patterns = [rule.path.pattern for rule in RULES]
_after_slash = [path[len(AFTER_SLASH) :] for path in _patterns if path.startswith(AFTER_SLASH)]
_whole = [path for path in _patterns if not path.startswith(AFTER_SLASH)]
# Most files match no rule: one combined pattern is faster than trying each rule.
ANY_RULE = re.compile(f"{AFTER_SLASH}(?:{'|'.join(_after_slash)})|{'|'.join(_whole)}")


def matching_rules(path: str, homes: Iterable[str], read: Callable[[], bytes]) -> Iterator[str]:
    """Yield the rules that match a file, given by its path without a leading slash."""
    names = [path]
    for home in homes:
        if path.startswith(f"{home}/"):
            names.append(f"~/{path[len(home) + 1 :]}")
    if not any(map(ANY_RULE.search, names)):
        return
    for rule, pattern, content in RULES:
        if any(pattern.search(name) for name in names):
            text = read()
            if text.strip() and (content is None or content.search(text)):
                yield rule

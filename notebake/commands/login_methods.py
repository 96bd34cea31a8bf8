"""Ways to log in to a machine other than by the keys stored on it."""

SSHD = "sshd:"
AGENT = "agent:"

# EC2 Instance Connect is a command from which sshd gets keys (AuthorizedKeysCommand); a certificate
# authority signs keys that are not on the machine. `sshd -T` prints the effective configuration.
# Ubuntu installs the agent of AWS Systems Manager as a snap, other distributions as a package.
LIST_LOGIN_METHODS = f"""\
sudo sshd -T 2> /dev/null |
    grep --extended-regexp '^(authorizedkeyscommand|trustedusercakeys) ' |
    {{ grep --invert-match ' none$' || true; }} | sed 's/^/{SSHD} /'
for unit in snap.amazon-ssm-agent.amazon-ssm-agent.service amazon-ssm-agent.service; do
    ! systemctl is-enabled --quiet "$unit" 2> /dev/null || echo "{AGENT} $unit"
done
true"""
"""A command for the login user that prints one method per line."""


def parse_login_methods(printed: str) -> tuple[str, ...]:
    """Return a sentence about each method that `LIST_LOGIN_METHODS` printed."""
    found = []
    for line in printed.splitlines():
        kind, _, setting = line.partition(" ")
        if kind == AGENT:
            found.append("the agent of AWS Systems Manager opens the sessions that IAM allows")
        elif kind == SSHD and "eic_" in setting:
            found.append("EC2 Instance Connect accepts the logins that IAM allows")
        elif kind == SSHD:
            found.append(f"sshd accepts logins by its setting {setting}")
    return tuple(dict.fromkeys(found))

"""What the scan finds and what it ignores. Every secret here is put together at run time."""

import random
import string
from pathlib import Path

import pytest

from notebake.credentials.file_name_rules import matching_rules
from tests.search_engine import Search

SEED = random.Random(1)  # noqa: S311 - these secrets guard nothing
BASE64 = string.ascii_letters + string.digits
BASE32 = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"
REPOSITORY = Path(__file__).parents[2]


def some(alphabet: str, length: int) -> str:
    return "aB3" * (alphabet == BASE64) + "".join(
        SEED.choices(alphabet, k=length - 3 * (alphabet == BASE64))
    )


def pem(kind: str = "RSA ", line_end: str = "\n") -> str:
    dashes = "-" * 5
    body = line_end.join(some(BASE64, 64) for _ in range(4))
    title = f"{kind}PRIVATE KEY{dashes}"
    return f"{dashes}BEGIN {title}{line_end}{body}{line_end}{dashes}END {title}"


KEY_ID = "AKIA" + some(BASE32, 16)
SECRET = some(BASE64, 40)
SECRET_NAME = "aws_secret_" + "access_key"
URL = "https://alice:" + "Tr0ub4dor" + "@data.ocean.org/x"
JWT = ".".join(("ey" + "J" + some(BASE64, 30), "ey" + "J" + some(BASE64, 60), some(BASE64, 43)))

CONTENT = [
    ("aws-access-key-id", KEY_ID),
    ("aws-access-key-id", f'{{"text": "key:\\n{KEY_ID}\\n"}}'),
    ("aws-access-key-id", f"backup_{KEY_ID}.tar"),
    ("aws-access-key-id", f"\x1b[31m{KEY_ID}\x1b[0m"),
    ("aws-access-key-id", f"https://b.s3.amazonaws.com/?X-Amz-Credential%3D{KEY_ID}%2F2026"),
    ("aws-access-key-id", "ASIA" + some(BASE32, 16)),
    ("aws-secret-key", f"{SECRET_NAME} = {SECRET}"),
    ("aws-secret-key", f'"Secret{"AccessKey"}": "{SECRET}",'),
    ("aws-secret-key", f"os.environ['{SECRET_NAME.upper()}'] = '{SECRET}'"),
    ("aws-session-token", f"AWS_SESSION{'_TOKEN'}={some(BASE64, 300)}"),
    ("private-key", pem()),
    ("private-key", pem("OPENSSH ")),
    ("private-key", pem("", "\\n")),
    ("private-key", pem("EC ", "\r\n")),
    ("private-key", pem().replace("\n", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES,00\n\n", 1)),
    ("private-key", "PuTTY-User-" + "Key-File-3: ssh-ed25519"),
    ("github-pat", "gh" + "p_" + some(BASE64, 36)),
    ("github-app-token", f"https://gh{'s_'}{some(BASE64, 36)}@github.com/a/b"),
    ("github-fine-grained-pat", "github" + "_pat_" + some(BASE64, 22) + "_" + some(BASE64, 59)),
    ("gitlab-pat", "gl" + "pat-" + some(BASE64, 20)),
    ("huggingface-access-token", "h" + "f_" + some(BASE64, 34)),
    ("slack-legacy-bot-token", "xo" + "xb-" + "482910573216-" + some(BASE64, 24)),
    ("pypi-token", "pypi-" + "AgE" + some(BASE64, 60)),
    ("npm-access-token", "npm" + "_" + some(BASE64, 36)),
    ("model-provider-key", "s" + "k-" + some(BASE64, 48)),
    ("model-provider-key", "s" + "k-ant-api03-" + some(BASE64, 93)),
    ("gcp-api-key", "AI" + "za" + some(BASE64, 35)),
    ("jwt", JWT),
    ("url-with-password", URL),
    ("authorization-header", "Authorization: " + "Bearer " + some(BASE64, 40)),
    ("jupyter-token", "http://127.0.0.1:8887/lab?tok" + "en=" + some(HEX, 48)),
    ("conda-token", "https://conda.anaconda.org/t" + "/xx-" + some(HEX, 8) + "-1a2b" * 3 + "-"
     + some(HEX, 12)),
]  # fmt: skip

HARMLESS = [
    "AKIA" + "IOSFODNN7EXAMPLE",
    f"{SECRET_NAME} = wJalrXUtnFEMI/K7MDENG/bPxRfiCY{'EXAMPLEKEY'}",
    "AKIA" + "X" * 16,
    "X" + KEY_ID,
    KEY_ID + "A",
    f"{SECRET_NAME} = None",
    f"{SECRET_NAME} = /usr/share/something/that/is/a/path/xx/y",
    "-" * 5 + "BEGIN RSA PRIVATE " + "KEY-----\\n...",
    "if line.startswith('" + "-" * 5 + "BEGIN PRIVATE " + "KEY-----'): return load(line)",
    pem().replace("PRIVATE", "PUBLIC"),
    "postgresql://user:" + "password@localhost/db",
    "postgres://postgres:" + "postgres@localhost/db",
    "https://alice:" + "Tr0ub4dor@example.com/",
    "http://${USER}:${" + "PASSWORD}@proxy.ocean.org",
    "https://github.com:443/a@b",
    "sk-toggleable__content sk-estimator-doc-link-wrapper-1234",
    "hf_compute_the_mean_of_everything_and_more",
    "token=" + "0" * 48,
    "?token=abcdef",
    "Authorization: " + "Bearer <your token here please>",
    'Authorization: "Bearer ' + '$TOKEN_FROM_THE_ENVIRONMENT_1"',
]

NAMED = [
    ("history", "home/ubuntu/.bash_history", "ls"),
    ("history", "root/.python_history", "1"),
    ("history", "home/ubuntu/.ipython/profile_default/history.sqlite", "x"),
    ("history", "home/ubuntu/.lesshst", ".less-history-file:"),
    ("Jupyter's own secret", "home/ubuntu/.local/share/jupyter/runtime/jpserver-1.json", "{}"),
    ("Jupyter's own secret", "etc/notebake/jupyter-token", "x"),
    ("Jupyter's own secret", "etc/notebake/jupyter-token.new", "x"),
    ("Jupyter password or token", "root/.jupyter/jupyter_server_config.json",
     '{"PasswordIdentityProvider": {"hashed_password": "argon2:x"}}'),
    ("cloud-init's record of this machine", "var/lib/cloud/instances/i-1/user-data.txt", "x"),
    ("authorized key", "home/ubuntu/.ssh/authorized_keys", "ssh-ed25519 AAAA you@here"),
    ("ssh host key", "etc/ssh/ssh_host_ed25519_key", "x"),
    ("password of a user", "etc/shadow", "root:*:1:::::\nbob:$y$j9T$abc:1:::::\n"),
    ("credential for a web site", "home/ubuntu/.netrc", "machine a login b password c"),
    ("credential for git", "home/ubuntu/.git-credentials", "https://a:b@github.com"),
    ("credential for git", "srv/x/.git/config", "[http]\n\textraheader = AUTHORIZATION: basic eA"),
    ("credential for AWS", "data/.aws/credentials", f"[a]\n{SECRET_NAME} = x"),
    ("credential for PostgreSQL", "root/.pgpass", "host:5432:db:user:pw"),
    ("credential for a container registry", "root/.docker/config.json", '{"auth": "eA=="}'),
    ("credential for npm", "root/.npmrc", "//r/:_authToken=x"),
    ("credential for PyPI", "root/.pypirc", "[pypi]\npassword = x"),
    ("credential for Kubernetes", "root/.kube/config", "    client-key-data: eA=="),
    ("credential for rclone", "root/.config/rclone/rclone.conf", "[r]\npass = x"),
    ("credential for climate data", "home/ubuntu/.cdsapirc", "url: x\nkey: y"),
    ("credential for Kaggle", "root/.kaggle/kaggle.json", '{"key":"x"}'),
    ("identity of this machine", "var/lib/snapd/device/private-keys-v1/ab", "TYPE"),
    ("identity of this machine", "etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.a:b"),
    ("identity of this machine", "var/lib/amazon/ssm/Vault/Store/RegistrationKey", "{}"),
    ("identity of this machine", "var/lib/tailscale/tailscaled.state", '{"_machinekey": "x"}'),
    ("key of a WireGuard tunnel", "etc/wireguard/wg0.conf", "[Interface]\nPrivateKey = x"),
    ("secret in an environment file", "home/ubuntu/work/.env", "DB_PASSWORD=Tr0ub4dor"),
]  # fmt: skip

NAMED_HARMLESS = [
    ("home/ubuntu/.bash_history", ""),
    ("home/ubuntu/work/.Rhistory", "part of a repository"),
    ("home/ubuntu/.ssh/id_ed25519.pub", "ssh-ed25519 AAAA"),
    ("home/ubuntu/.ssh/authorized_keys", "# nobody\n"),
    ("etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAA"),
    ("etc/shadow", "root:*:1::::::\nubuntu:!:1::::::\n"),
    ("home/ubuntu/.netrc", "machine a login b"),
    ("home/ubuntu/.npmrc", "//r/:_authToken=${NPM_TOKEN}"),
    ("home/ubuntu/.docker/config.json", '{"auths": {}}'),
    ("home/ubuntu/.jupyter/jupyter_lab_config.py", "# c.ServerApp.token = '<DEFAULT>'"),
    ("home/ubuntu/work/.env", "DB_PASSWORD=your-password\nDEBUG_TOKEN=\n"),
]


def write(root: Path, path: str, content: str | bytes) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.fixture(scope="module")
def found(search: Search, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What is found in all of the files below, searched at once."""
    root = tmp_path_factory.mktemp("machine")
    for number, (_, secret) in enumerate(CONTENT):
        write(root, f"content/{number}.txt", f"first line\nsee: {secret} there\n")
    for number, text in enumerate(HARMLESS):
        write(root, f"harmless/{number}.txt", f"first line\nsee: {text} there\n")
    return search.rules(root)


@pytest.mark.parametrize("number", range(len(CONTENT)))
def test_a_credential_in_text_is_found(found: dict[str, set[str]], number: int) -> None:
    assert CONTENT[number][0] in found.get(f"/content/{number}.txt", set())


@pytest.mark.parametrize("number", range(len(HARMLESS)))
def test_text_that_only_resembles_a_credential_is_not_reported(
    found: dict[str, set[str]], number: int
) -> None:
    assert found.get(f"/harmless/{number}.txt", set()) == set()


def by_name(path: str, content: str) -> list[str]:
    return list(matching_rules(path, ["home/ubuntu", "root"], content.encode))


@pytest.mark.parametrize(("rule", "path", "content"), NAMED)
def test_a_file_known_to_hold_credentials_is_found_by_its_name(
    rule: str, path: str, content: str
) -> None:
    assert rule in by_name(path, content)


@pytest.mark.parametrize(("path", "content"), NAMED_HARMLESS)
def test_a_file_with_such_a_name_but_no_credential_is_not_reported(path: str, content: str) -> None:
    assert by_name(path, content) == []


def test_this_repository_holds_no_credential(search: Search) -> None:
    unsearched = {".git", ".venv", "__pycache__"}
    folders = [
        entry
        for entry in REPOSITORY.iterdir()
        if entry.is_dir() and entry.name not in unsearched and not entry.name.endswith("_cache")
    ]
    reports = [search.report(folder) for folder in folders]
    found = [
        finding
        for report in reports
        for finding in report["findings"]
        if "/__pycache__/" not in finding["path"]
    ]
    assert sum(report["files"] for report in reports) > 20
    assert found == []

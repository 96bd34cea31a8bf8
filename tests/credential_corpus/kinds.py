"""The kinds of credentials of which all have to be found."""

import base64
import json
from collections.abc import Iterator
from typing import NamedTuple

from tests.credential_corpus.made import LETTERS_AND_DIGITS, UPPER_AND_BASE32, URL_SAFE, Maker

HEX_UPPER = "0123456789ABCDEF"


class Kind(NamedTuple):
    """One kind of credential: whose, what it is called, and what a file says of it."""

    provider: str
    name: str
    variable: str
    """By what name people assign it; empty for one that is a text of its own."""
    value: str

    @property
    def text(self) -> str:
        """What stands in a file of plain text."""
        return f"{self.variable} = {self.value}\n" if self.variable else self.value

    @property
    def command(self) -> str:
        """How somebody typed it."""
        if self.variable:
            return f"export {self.variable}='{self.value}'\n"
        return f"cat > settings <<'END'\n{self.value.rstrip()}\nEND\n"


def promised_kinds(make: Maker) -> Iterator[Kind]:
    """Give one of each kind."""
    for part in (_amazon, _google, _azure, _github, _gitlab, _models, _slack):
        yield from part(make)
    for part in (_packages, _containers, _databricks, _stripe, _earth_data, _databases):
        yield from part(make)
    for part in (_web_tokens, _private_keys):
        yield from part(make)


def _amazon(make: Maker) -> Iterator[Kind]:
    """IAM user guide, "IAM identifiers" (unique ids) and "Managing access keys"."""
    for prefix in ("AK" + "IA", "AS" + "IA"):
        key_id = prefix + make.some(16, UPPER_AND_BASE32)
        yield Kind("AWS", f"access key id, {prefix}", "AWS_ACCESS_KEY_ID", key_id)
    yield Kind("AWS", "secret access key", "aws_secret_access_key", make.in_base64(30))
    pair = f"[default]\naws_access_key_id = {'AK' + 'IA'}{make.some(16, UPPER_AND_BASE32)}\n"
    pair += f"aws_secret_access_key = {make.in_base64(30)}\n"
    yield Kind("AWS", "pair of keys", "", pair)
    token = "IQoJb3JpZ2luX2VjE" + make.in_base64(500)
    yield Kind("AWS", "session token", "AWS_SESSION_TOKEN", token)
    # Bedrock user guide, "API keys": long-term ones begin with this, in base64.
    long_lived = "BedrockAPIKey-" + make.some(4, "abcdefgh") + "-at-" + make.some(12, "1234567890")
    encoded = base64.b64encode(f"{long_lived}:{make.in_base64(45)}".encode()).decode()
    yield Kind("AWS", "Bedrock API key", "AWS_BEARER_TOKEN_BEDROCK", "AB" + "SK" + encoded)


def _google(make: Maker) -> Iterator[Kind]:
    """Google Cloud's documents on API keys, OAuth clients and service account keys."""
    yield Kind("Google", "API key", "GOOGLE_API_KEY", "AI" + "za" + "Sy" + make.some(33, URL_SAFE))
    yield Kind("Google", "OAuth client secret", "client_secret", "GOC" + "SPX-" + make.some(28))
    yield Kind(
        "Google", "OAuth access token", "access_token", "ya" + "29.a0" + make.some(180, URL_SAFE)
    )
    yield Kind(
        "Google", "OAuth refresh token", "refresh_token", "1/" + "/0" + make.some(100, URL_SAFE)
    )
    key = {
        "type": "service_account",
        "project_id": "ocean-models",
        "private_key_id": make.hexadecimal(40),
        "private_key": make.pem("PRIVATE " + "KEY"),
        "client_email": "runner@ocean-models.iam.gserviceaccount.com",
        "client_id": make.some(21, "0123456789"),
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    yield Kind("Google", "service account key", "", json.dumps(key, indent=2))
    own = {
        "client_id": f"{make.some(12, '0123456789')}-{make.some(32).lower()}"
        ".apps.googleusercontent.com",
        "client_secret": "GOC" + "SPX-" + make.some(28),
        "refresh_token": "1/" + "/0" + make.some(100, URL_SAFE),
        "type": "authorized_user",
    }
    yield Kind("Google", "application default credentials", "", json.dumps(own, indent=2))


def _azure(make: Maker) -> Iterator[Kind]:
    """Azure's documents on storage keys, shared access signatures, Entra ID and DevOps tokens."""
    key = make.in_base64(64)
    string = f"DefaultEndpointsProtocol=https;AccountName=oceandata;AccountKey={key};"
    string += "EndpointSuffix=core.windows.net"
    yield Kind("Azure", "storage connection string", "AZURE_STORAGE_CONNECTION_STRING", string)
    yield Kind("Azure", "storage account key", "AZURE_STORAGE_KEY", make.in_base64(64))
    secret = make.some(3) + "8" + "Q~" + make.some(34, LETTERS_AND_DIGITS + "-_.~")
    yield Kind("Azure", "client secret", "AZURE_CLIENT_SECRET", secret)
    signature = make.in_base64(32).replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    url = "https://oceandata.blob.core.windows.net/fields/t.zarr?sp=racwdl&st=2026-01-01T00:00:00Z"
    url += f"&se=2027-01-01T00:00:00Z&spr=https&sv=2022-11-02&sr=c&sig={signature}"
    yield Kind("Azure", "shared access signature", "FIELD_URL", url)
    bus = "Endpoint=sb://ocean.servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccess"
    bus += f"Key;SharedAccessKey={make.in_base64(32)}"
    yield Kind("Azure", "service bus connection string", "SERVICE_BUS", bus)
    cosmos = "AccountEndpoint=https://ocean.documents.azure.com:443/;"
    cosmos += f"AccountKey={make.in_base64(64)};"
    yield Kind("Azure", "Cosmos DB connection string", "COSMOS", cosmos)
    app = f"Endpoint=https://ocean.azconfig.io;Id={make.some(4)}-l8-s0:{make.some(20)};"
    app += f"Secret={make.in_base64(32)}"
    yield Kind("Azure", "app configuration connection string", "APP_CONFIGURATION", app)
    devops = make.some(76) + "AZ" + "DO" + make.some(4)
    yield Kind("Azure", "DevOps token", "AZURE_DEVOPS_EXT_PAT", devops)


def _github(make: Maker) -> Iterator[Kind]:
    """GitHub's documents, "GitHub's token formats"."""
    for letter, what in {
        "p": "personal access token, classic",
        "o": "OAuth access token",
        "u": "user access token of an app",
        "s": "installation access token of an app",
        "r": "refresh token of an app",
    }.items():
        yield Kind("GitHub", what, "GITHUB_TOKEN", make.checked(f"gh{letter}_"))
    fine = "github" + "_pat_11" + make.some(20).upper() + "_" + make.some(59)
    yield Kind("GitHub", "personal access token, fine-grained", "GITHUB_TOKEN", fine)
    url = f"https://{make.checked('gh' + 'p_')}@github.com/ocean/models.git"
    yield Kind("GitHub", "token in a URL", "remote", url)


def _gitlab(make: Maker) -> Iterator[Kind]:
    """GitLab's documents, "Token overview", table "Token prefixes"."""
    for prefix, what, length in (
        ("pat", "personal access token", 20),
        ("dt", "deploy token", 20),
        ("rt", "runner authentication token", 20),
        ("cbt", "job token", 20),
        ("ptt", "trigger token", 0),
        ("ft", "feed token", 20),
        ("imt", "incoming mail token", 25),
        ("agent", "token of an agent for Kubernetes", 50),
        ("soat", "SCIM token", 20),
        ("ffct", "feature flags client token", 20),
        ("oas", "OAuth application secret", 64),
    ):
        body = make.some(length) if length else make.hexadecimal(40)
        # A job token names the partition of its table first.
        value = f"gl{prefix}-64_{body}" if prefix == "cbt" else f"gl{prefix}-{body}"
        yield Kind("GitLab", what, "GITLAB_TOKEN", value)
    routable = f"glpat-{make.some(27)}.{make.some(2, '01')}.{make.some(9).lower()}"
    yield Kind("GitLab", "routable token", "GITLAB_TOKEN", routable)
    yield Kind("GitLab", "runner registration token", "TOKEN", "GR" + "1348941" + make.some(20))


def _models(make: Maker) -> Iterator[Kind]:
    """The documents of Hugging Face, OpenAI and Anthropic on their keys."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    yield Kind("Hugging Face", "user access token", "HF_TOKEN", "hf" + "_" + make.some(34, letters))
    organization = "api" + "_org_" + make.some(34, letters)
    yield Kind("Hugging Face", "organization token", "HF_TOKEN", organization)
    middle = "T3Blbk" + "FJ"
    legacy = f"sk-{make.some(20)}{middle}{make.some(20)}"
    yield Kind("OpenAI", "key of a user", "OPENAI_API_KEY", legacy)
    for prefix, what in (("proj", "project"), ("svcacct", "service account"), ("admin", "admin")):
        value = f"sk-{prefix}-{make.some(74, URL_SAFE)}{middle}{make.some(74, URL_SAFE)}"
        yield Kind("OpenAI", f"key of a kind: {what}", "OPENAI_API_KEY", value)
    for prefix, what in (("api03", "API key"), ("admin01", "admin key")):
        value = f"sk-ant-{prefix}-{make.some(93, URL_SAFE)}AA"
        yield Kind("Anthropic", what, "ANTHROPIC_API_KEY", value)
    oauth = f"sk-ant-oat01-{make.some(93, URL_SAFE)}AA"
    yield Kind("Anthropic", "OAuth token", "CLAUDE_CODE_OAUTH_TOKEN", oauth)


def _slack(make: Maker) -> Iterator[Kind]:
    """Slack's documents, "Tokens" and "Incoming webhooks"."""
    digits = "0123456789"
    one, two, three = (make.some(12, digits) for _ in range(3))
    yield Kind("Slack", "bot token", "SLACK_TOKEN", f"xo{'xb'}-{one}-{two}-{make.some(24)}")
    user = f"xo{'xp'}-{one}-{two}-{three}-{make.hexadecimal(32)}"
    yield Kind("Slack", "user token", "SLACK_TOKEN", user)
    app = f"xa{'pp'}-1-A0{make.some(9).upper()}-{make.some(13, digits)}-{make.hexadecimal(64)}"
    yield Kind("Slack", "app-level token", "SLACK_APP_TOKEN", app)
    turned = f"xo{'xe'}.xo{'xp'}-1-{make.some(166)}"
    yield Kind("Slack", "configuration access token", "SLACK_TOKEN", turned)
    refresh = f"xo{'xe'}-1-{make.some(146)}"
    yield Kind("Slack", "configuration refresh token", "SLACK_TOKEN", refresh)
    hook = f"T0{make.some(8).upper()}/B0{make.some(9).upper()}/{make.some(24)}"
    url = "https://hooks.slack." + f"com/services/{hook}"
    yield Kind("Slack", "incoming webhook", "SLACK_WEBHOOK_URL", url)


def _packages(make: Maker) -> Iterator[Kind]:
    """npm's documents, "About access tokens"; PyPI's help, "API tokens" (macaroons)."""
    yield Kind("npm", "access token", "NPM_TOKEN", make.checked("npm" + "_"))
    line = f"//npm.example.org/:_auth{'Token'}={make.checked('npm' + '_')}\n"
    yield Kind("npm", "token in .npmrc", "", line)
    old = f"//npm.example.org/:_auth{'Token'}={make.identifier()}\n"
    yield Kind("npm", "legacy token in .npmrc", "", old)
    index = b".".join((b"pypi", b"org"))
    for site, what in ((b"\x08" + index, "PyPI"), (b"\x0dtest." + index, "TestPyPI")):
        body = b"\x02\x01" + site + b"\x02$" + make.identifier().encode() + b"\x00\x02*"
        body += b'[3, "' + make.identifier().encode() + b'"]\x00\x00\x06 ' + make.raw(32)
        token = "py" + "pi-" + base64.urlsafe_b64encode(body).decode().rstrip("=")
        yield Kind("PyPI", f"API token of {what}", "TWINE_PASSWORD", token)


def _containers(make: Maker) -> Iterator[Kind]:
    """Docker's documents on access tokens, `docker login` and swarm."""
    yield Kind("Docker", "personal access token", "TOKEN", "dckr" + "_pat_" + make.some(27))
    yield Kind("Docker", "organization token", "TOKEN", "dckr" + "_oat_" + make.some(32))
    both = base64.b64encode(f"ocean:{make.some(20)}".encode()).decode()
    login = {"auths": {"https://index.docker.io/v1/": {"auth": both}}}
    yield Kind("Docker", "login in config.json", "", json.dumps(login, indent=8))
    join = f"SWM{'TKN'}-1-{make.some(50).lower()}-{make.some(25).lower()}"
    yield Kind("Docker", "swarm join token", "TOKEN", join)
    unlock = f"SWM{'KEY'}-1-{make.some(43)}"
    yield Kind("Docker", "swarm unlock key", "KEY", unlock)


def _databricks(make: Maker) -> Iterator[Kind]:
    """Databricks' documents, "Authenticate with personal access tokens" and "OAuth M2M"."""
    token = "da" + "pi" + make.hexadecimal(32)
    yield Kind("Databricks", "personal access token", "DATABRICKS_TOKEN", token)
    yield Kind("Databricks", "token of Azure's", "DATABRICKS_TOKEN", f"{token[:-1]}7-3")
    secret = "do" + "se" + make.hexadecimal(32)
    yield Kind("Databricks", "OAuth secret", "DATABRICKS_CLIENT_SECRET", secret)


def _stripe(make: Maker) -> Iterator[Kind]:
    """Stripe's documents, "API keys" and "Webhook signatures"."""
    for prefix, what in (("sk", "secret key"), ("rk", "restricted key")):
        for mode in ("live", "test"):
            value = f"{prefix}_{mode}_51{make.some(97)}"
            yield Kind("Stripe", f"{what}, {mode}", "STRIPE_API_KEY", value)
    yield Kind("Stripe", "old secret key", "STRIPE_API_KEY", "sk" + "_live_" + make.some(24))
    yield Kind("Stripe", "webhook secret", "STRIPE_SECRET", "wh" + "sec_" + make.some(32))


def _earth_data(make: Maker) -> Iterator[Kind]:
    """Earthdata Login's documents, "User token" and "How to access data" (.netrc)."""
    login = f"machine urs.earthdata.nasa.gov login ada password {make.some(14)}\n"
    yield Kind("Earthdata", "line in .netrc", "", login)
    lines = f"machine urs.earthdata.nasa.gov\n    login ada\n    password {make.some(14)}\n"
    yield Kind("Earthdata", "lines in .netrc", "", lines)
    token = make.web_token("RS256", uid="ada", iss="https://urs.earthdata.nasa.gov")
    yield Kind("Earthdata", "user token", "EARTHDATA_TOKEN", token)
    header = f"Authorization: Bearer {make.some(43, URL_SAFE)}\n"
    yield Kind("Earthdata", "bearer header", "", header)


def _databases(make: Maker) -> Iterator[Kind]:
    """libpq, "Connection URIs"; SQLAlchemy, "Database URLs"; MongoDB, Redis and RabbitMQ alike."""
    for scheme, host in (
        ("postgresql", "db.ocean.org:5432/fields"),
        ("postgresql+psycopg2", "10.0.3.7/fields"),
        ("mysql+pymysql", "db.ocean.org/fields"),
        ("mariadb", "db.ocean.org:3306/fields"),
        ("mongodb+srv", "cluster0.ab1cd.mongodb.net/fields?retryWrites=true"),
        ("mongodb", "db1.ocean.org:27017,db2.ocean.org:27017/fields"),
        ("redis", "cache.ocean.org:6379/0"),
        ("mssql+pyodbc", "db.ocean.org/fields?driver=ODBC+Driver+18+for+SQL+Server"),
        ("oracle+oracledb", "db.ocean.org:1521/?service_name=fields"),
        ("amqps", "queue.ocean.org:5671/v"),
        ("clickhouse", "db.ocean.org:9440/fields"),
    ):
        url = f"{scheme}://ada:{make.some(14)}@{host}"
        yield Kind("database", f"URL of {scheme}", "DATABASE_URL", url)
    without = f"redis://:{make.some(24)}@cache.ocean.org:6379/0"
    yield Kind("database", "URL without a user", "REDIS_URL", without)


def _web_tokens(make: Maker) -> Iterator[Kind]:
    """RFC 7519."""
    for algorithm in ("HS256", "RS256"):
        yield Kind("JWT", algorithm, "ACCESS_TOKEN", make.web_token(algorithm))


def _private_keys(make: Maker) -> Iterator[Kind]:
    """RFC 7468, RFC 1421, OpenSSH's PROTOCOL.key, RFC 4716's sister of SSH.COM, PuTTY, GnuPG."""
    private = "PRIVATE " + "KEY"
    for kind, size in (("RSA", 1190), ("EC", 121), ("DSA", 450), ("OPENSSH", 400)):
        yield Kind("private key", kind, "", make.pem(f"{kind} {private}", size=size))
    yield Kind("private key", "PKCS 8", "", make.pem(private))
    yield Kind("private key", "PKCS 8, Ed25519", "", make.pem(private, size=48))
    yield Kind("private key", "PKCS 8, encrypted", "", make.pem(f"ENCRYPTED {private}"))
    head = f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{make.some(32, HEX_UPPER)}\n\n"
    yield Kind("private key", "RSA, encrypted", "", make.pem(f"RSA {private}", head=head))
    yield Kind("private key", "GnuPG", "", make.pem(f"PGP {private} BLOCK", head="\n"))
    for version, kind in (("2", "ssh-rsa"), ("3", "ssh-ed25519")):
        lines = f"PuTTY-User-Key-{'File'}-{version}: {kind}\nEncryption: none\nComment: ada\n"
        lines += f"Public-Lines: 1\n{make.in_base64(45)}\nPrivate-Lines: 1\n{make.in_base64(36)}\n"
        yield Kind("private key", f"PuTTY, {version}", "", lines)
    old = f'---- BEGIN SSH2 ENCRYPTED {private} ----\nComment: "ada"\n{make.in_base64(45)}\n'
    yield Kind("private key", "SSH.COM", "", old + f"---- END SSH2 ENCRYPTED {private} ----\n")
    yield Kind("private key", "age", "", "AGE-SECRET-" + "KEY-1" + make.some(58, _BECH32) + "\n")


_BECH32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"

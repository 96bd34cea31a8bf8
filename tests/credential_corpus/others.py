"""Other kinds, of which the share that is found is told and none is promised."""

from collections.abc import Iterator

from tests.credential_corpus.kinds import Kind
from tests.credential_corpus.made import LETTERS_AND_DIGITS, URL_SAFE, Maker

DIGITS = "0123456789"


def other_kinds(make: Maker) -> Iterator[Kind]:
    """Give one of each kind, by their providers' documents."""
    for part in (_of_research, _of_machines, _of_services, _of_settings):
        yield from part(make)


def _of_research(make: Maker) -> Iterator[Kind]:
    yield Kind("Weights & Biases", "API key", "WANDB_API_KEY", make.hexadecimal(40))
    yield Kind("Kaggle", "key", "KAGGLE_KEY", make.hexadecimal(32))
    yield Kind("Zenodo", "token", "ZENODO_TOKEN", make.some(60))
    yield Kind(
        "Mapbox", "secret token", "MAPBOX_TOKEN", f"sk.ey{'J'}{make.some(86)}.{make.some(22)}"
    )
    yield Kind("Planet", "API key", "PL_API_KEY", "PL" + "AK" + make.hexadecimal(32))
    yield Kind("Copernicus", "CDS key", "CDSAPI_KEY", make.identifier())
    yield Kind("Prefect", "API key", "PREFECT_API_KEY", "pn" + "u_" + make.some(36))
    yield Kind("ngrok", "token", "NGROK_AUTHTOKEN", f"2{make.some(26)}_{make.some(21)}")


def _of_machines(make: Maker) -> Iterator[Kind]:
    yield Kind("DigitalOcean", "token", "DO_TOKEN", "dop" + "_v1_" + make.hexadecimal(64))
    yield Kind("Cloudflare", "API token", "CLOUDFLARE_API_TOKEN", make.some(40, URL_SAFE))
    yield Kind("Heroku", "API key", "HEROKU_API_KEY", "HRKU" + "-AA" + make.some(58))
    yield Kind("Vault", "service token", "VAULT_TOKEN", "hv" + "s." + make.some(95))
    terraform = f"{make.some(14)}.atlas" + f"v1.{make.some(67)}"
    yield Kind("Terraform", "API token", "TFE_TOKEN", terraform)
    yield Kind("Tailscale", "auth key", "TS_AUTHKEY", f"tskey-auth-{make.some(12)}-{make.some(32)}")
    yield Kind("Pulumi", "token", "PULUMI_ACCESS_TOKEN", "pu" + "l-" + make.hexadecimal(40))
    yield Kind("Linode", "token", "LINODE_TOKEN", make.hexadecimal(64))
    yield Kind(
        "Alibaba", "access key id", "ALIBABA_CLOUD_ACCESS_KEY_ID", "LT" + "AI" + make.some(20)
    )


def _of_services(make: Maker) -> Iterator[Kind]:
    sendgrid = f"S{'G'}.{make.some(22, URL_SAFE)}.{make.some(43, URL_SAFE)}"
    yield Kind("SendGrid", "API key", "SENDGRID_API_KEY", sendgrid)
    yield Kind("Twilio", "API key", "TWILIO_API_KEY", "S" + "K" + make.hexadecimal(32))
    yield Kind("Mailgun", "key", "MAILGUN_API_KEY", "ke" + "y-" + make.hexadecimal(32))
    bot = f"{make.some(10, DIGITS)}:AA{make.some(33, URL_SAFE)}"
    yield Kind("Telegram", "bot token", "TELEGRAM_BOT_TOKEN", bot)
    yield Kind("Sentry", "user token", "SENTRY_AUTH_TOKEN", "sntry" + "u_" + make.hexadecimal(64))
    yield Kind("New Relic", "user key", "NEW_RELIC_API_KEY", "NRAK" + "-" + make.some(27).upper())
    yield Kind("Datadog", "API key", "DD_API_KEY", make.hexadecimal(32))
    yield Kind(
        "Notion", "token", "NOTION_TOKEN", "nt" + f"n_{make.some(11, DIGITS)}{make.some(35)}"
    )
    yield Kind("Linear", "API key", "LINEAR_API_KEY", "lin" + "_api_" + make.some(40))
    yield Kind(
        "Postman", "API key", "KEY", f"PMA{'K'}-{make.hexadecimal(24)}-{make.hexadecimal(34)}"
    )
    yield Kind("Shopify", "access token", "SHOPIFY_TOKEN", "shp" + "at_" + make.hexadecimal(32))
    yield Kind(
        "Grafana", "service account", "GRAFANA", f"gls{'a'}_{make.some(32)}_{make.hexadecimal(8)}"
    )
    yield Kind("Groq", "API key", "GROQ_API_KEY", "gs" + "k_" + make.some(52))
    yield Kind("Replicate", "token", "REPLICATE_API_TOKEN", "r8" + "_" + make.some(37))
    yield Kind("RubyGems", "API key", "GEM_HOST_API_KEY", "rubygems" + "_" + make.hexadecimal(48))
    yield Kind("crates.io", "token", "CARGO_REGISTRY_TOKEN", "ci" + "o" + make.some(32))
    yield Kind("Atlassian", "API token", "JIRA_TOKEN", "ATAT" + f"T3{make.some(186, URL_SAFE)}")


def _of_settings(make: Maker) -> Iterator[Kind]:
    password = make.some(16, LETTERS_AND_DIGITS)
    odbc = f"Server=tcp:db.ocean.org,1433;Database=fields;Uid=ada;Pwd={password};Encrypt=yes;"
    yield Kind("settings", "ODBC string", "CONNECTION", odbc)
    yield Kind(
        "settings", "JDBC address", "URL", f"jdbc:postgresql://db/f?user=a&password={password}"
    )
    yield Kind("settings", "password in YAML", "", f"login:\n  user: ada\n  password: {password}\n")
    yield Kind(
        "settings", "basic authorization", "", f"cur{'l'} -u ada:{password} https://ocean.org/f\n"
    )

"""The datasets: checks that each source exists, by the protocol that will fetch it."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import httpx

from notebake.aws.s3_download import has_object
from notebake.errors import CloudError, PreflightError
from notebake.local.proxies import UNUSABLE_PROXY
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.recipe import Dataset
from notebake.runs.run import Run
from notebake.ssh.user_sftp import quote_path, remote_path, run_sftp, sftp_hint

HTTP_SECONDS = 15
SFTP_SECONDS = 30
NO_HEAD_STATUS = {403, 405, 501}
TRANSIENT_STATUS = {408, 425, 429}


def check_datasets(run: Run) -> Iterable[Finding]:
    """Check that each source exists."""
    for dataset in run.recipe.datasets:
        if dataset.source.startswith("http"):
            yield check_http_source(dataset, is_public=run.recipe.network.address == "public")
        elif dataset.source.startswith("s3://"):
            yield check_s3_source(dataset, run.recipe.region)
        else:
            yield check_sftp_source(dataset)


def check_http_source(dataset: Dataset, *, is_public: bool) -> Finding:
    """Send HEAD, or, if that is refused, request the first byte; redirects are followed.

    The machine itself will fetch it, and follows no redirect from https to http. In a private
    network it may reach what this computer cannot.
    """
    where = f"The dataset {dataset.name} at {dataset.source}"
    try:
        with httpx.Client(timeout=HTTP_SECONDS, follow_redirects=True) as client:
            response = client.head(dataset.source)
            if response.status_code in NO_HEAD_STATUS:
                first_byte = {"Range": "bytes=0-0"}
                with client.stream("GET", dataset.source, headers=first_byte) as response:
                    pass
    except UNUSABLE_PROXY as error:
        return not_checked(f"{where} cannot be requested by this computer's proxy: {error}")
    except httpx.HTTPError as error:
        message = f"{where} does not answer: {error or type(error).__name__}."
        return wrong(message) if is_public else not_checked(message)
    status = response.status_code
    followed = [each.url for each in (*response.history, response)]
    plain = [str(url) for url in followed if url.scheme == "http"]
    if plain and dataset.source.startswith("https:"):
        return wrong(f"{where} redirects to {plain[0]}, without TLS, which no machine follows.")
    if status < 300:
        return good(f"{where} exists.")
    if status in TRANSIENT_STATUS or status >= 500:
        return not_checked(f"{where} answers {status} at present.")
    return wrong(f"{where} answers {status}.")


def check_s3_source(dataset: Dataset, region: str) -> Finding:
    """Query S3 with this computer's credentials, which will fetch it."""
    where = f"The dataset {dataset.name} at {dataset.source}"
    try:
        exists = has_object(dataset.source, region)
    except CloudError as error:
        if error.is_transient or not error.code:
            return not_checked(error.message, error.hint)
        return wrong(f"{where} cannot be read. {error.message}", error.hint)
    return good(f"{where} exists.") if exists else wrong(f"{where} does not exist.")


def check_sftp_source(dataset: Dataset) -> Finding:
    """List the source with the user's own sftp, which will fetch it."""
    address = urlsplit(dataset.source)
    try:
        answer = run_sftp(address, f"ls -1 {quote_path(remote_path(address))}", SFTP_SECONDS)
    except PreflightError as error:
        return not_checked(error.message)
    if answer.exit_code == 0:
        return good(f"The dataset {dataset.name} at {dataset.source} exists.")
    errors = answer.errors.strip()
    return wrong(
        f"Tried to list {address.path} on {address.netloc}; sftp printed: {errors}",
        sftp_hint(dataset.source, errors),
    )

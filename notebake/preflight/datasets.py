"""The datasets, each asked for without fetching it, in the way in which it will be fetched."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import httpx

from notebake.aws.s3_download import has_object
from notebake.errors import CloudError, PreflightError
from notebake.machines.user_sftp import quote_path, remote_path, run_sftp, sftp_hint
from notebake.machines.worker_address import UNUSABLE_PROXY
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.recipe import Dataset
from notebake.runs.run import Run

HTTP_SECONDS = 15
SFTP_SECONDS = 30
NO_ANSWER_TO_HEAD = {403, 405, 501}
PASSING_STATUS = {408, 425, 429}


def check_datasets(run: Run) -> Iterable[Finding]:
    """Each source has what is to be fetched."""
    for dataset in run.recipe.datasets:
        if dataset.source.startswith("http"):
            yield ask_by_http(dataset, is_public=run.recipe.network.address == "public")
        elif dataset.source.startswith("s3://"):
            yield ask_s3(dataset, run.recipe.region)
        else:
            yield ask_by_sftp(dataset)


def ask_by_http(dataset: Dataset, *, is_public: bool) -> Finding:
    """Ask by HEAD, or where that is refused for the first byte; redirects are followed.

    The machine itself will fetch it, and never goes on from https to http. In a private network it
    may reach what this computer cannot.
    """
    where = f"The dataset {dataset.name} at {dataset.source}"
    try:
        with httpx.Client(timeout=HTTP_SECONDS, follow_redirects=True) as client:
            first_answer = client.head(dataset.source)
            status, way = first_answer.status_code, [*first_answer.history, first_answer]
            if status in NO_ANSWER_TO_HEAD:
                first = {"Range": "bytes=0-0"}
                with client.stream("GET", dataset.source, headers=first) as answer:
                    status, way = answer.status_code, [*answer.history, answer]
    except UNUSABLE_PROXY as error:
        return not_checked(f"{where} cannot be asked for with the proxy of this computer: {error}")
    except httpx.HTTPError as error:
        said = f"{where} gives no answer: {error or type(error).__name__}."
        return wrong(said) if is_public else not_checked(said)
    plain = [str(one.url) for one in way if one.url.scheme == "http"]
    if plain and dataset.source.startswith("https:"):
        return wrong(f"{where} leads on to {plain[0]}, without TLS, where no machine follows.")
    if status < 300:
        return good(f"{where} is there.")
    if status in PASSING_STATUS or status >= 500:
        return not_checked(f"{where} answers {status} at present.")
    return wrong(f"{where} answers {status}.")


def ask_s3(dataset: Dataset, region: str) -> Finding:
    """Ask with this computer's credentials, by which it will be fetched."""
    where = f"The dataset {dataset.name} at {dataset.source}"
    try:
        is_there = has_object(dataset.source, region)
    except CloudError as error:
        if error.is_transient or not error.code:
            return not_checked(error.message, error.hint)
        return wrong(f"{where} cannot be read. {error.message}", error.hint)
    return good(f"{where} is there.") if is_there else wrong(f"There is nothing for {where[4:]}.")


def ask_by_sftp(dataset: Dataset) -> Finding:
    """Ask with the user's own sftp, by which it will be fetched, to list it."""
    address = urlsplit(dataset.source)
    try:
        answer = run_sftp(address, f"ls -1 {quote_path(remote_path(address))}", SFTP_SECONDS)
    except PreflightError as error:
        return not_checked(error.message)
    if answer.exit_code == 0:
        return good(f"The dataset {dataset.name} at {dataset.source} is there.")
    said = answer.errors.strip()
    return wrong(
        f"Asked {address.netloc} for {address.path}; sftp said: {said}",
        sftp_hint(dataset.source, said),
    )

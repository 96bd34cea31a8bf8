"""AWS's settings on this computer: what is wrong with them, and where to mend it."""

import difflib
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3.exceptions
import botocore.session
from botocore import exceptions as botocores

from notebake.aws import hints
from notebake.aws.session import current_credentials

REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}")
AGAIN = "Install notebake's packages again: make setup"
SETTING = "Mend that setting, in the environment (AWS_…) or in {config}"
REGION_HINT = "Name a region of AWS, such as us-west-2, in the recipe, or set AWS_REGION."
SSO = "Log in again: aws sso login{profile}"
HINTS: dict[type[Exception], str] = {
    botocores.ConfigNotFound: "Set AWS_CONFIG_FILE to a file that is there, or unset it.",
    botocores.PartialCredentialsError: "Set both halves: AWS_ACCESS_KEY_ID and"
    " AWS_SECRET_ACCESS_KEY, or aws_access_key_id and aws_secret_access_key in {credentials}",
    botocores.CredentialRetrievalError: "Log in again with what gives these credentials. See the"
    " settings of the profile in {config}, and type: aws sts get-caller-identity{profile}",
    botocores.RefreshWithMFAUnsupportedError: "Log in with the MFA code for longer, and set"
    " AWS_PROFILE to what that gives: aws sts get-session-token",
    botocores.MetadataRetrievalError: "This machine's role gives no credentials. Attach a role to"
    " it, or set AWS_PROFILE.",
    botocores.InvalidIMDSEndpointError: "Unset AWS_EC2_METADATA_SERVICE_ENDPOINT, or mend it.",
    botocores.InvalidIMDSEndpointModeError: "Unset AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE.",
    botocores.SSOError: SSO,
    botocores.TokenRetrievalError: SSO,
    botocores.NoAuthTokenError: SSO,
    botocores.LoginError: "Log in again: aws login{profile}",
    botocores.NoRegionError: REGION_HINT,
    botocores.InvalidRegionError: REGION_HINT,
    botocores.UnknownRegionError: REGION_HINT,
    botocores.BaseEndpointResolverError: REGION_HINT,
    botocores.ServiceNotInRegionError: REGION_HINT,
    botocores.InfiniteLoopConfigError: "Two profiles in {config} name each other as"
    " source_profile: give one of them credentials of its own.",
    botocores.UnknownCredentialError: "Mend credential_source in {config}",
    botocores.MissingDependencyException: AGAIN,
    botocores.DataNotFoundError: f"{AGAIN} - and unset AWS_DATA_PATH if it is set.",
    botocores.ApiVersionNotFoundError: f"{AGAIN} - and unset AWS_DATA_PATH if it is set.",
    botocores.MD5UnavailableError: "This Python has no MD5, as in FIPS mode: use another one.",
    botocores.InvalidProxiesConfigError: "Mend HTTPS_PROXY and HTTP_PROXY.",
    botocores.ParamValidationError: "Something in the recipe has a form that AWS does not take.",
    botocores.ValidationError: "Something in the recipe has a form that AWS does not take.",
    boto3.exceptions.RetriesExceededError: hints.NO_ANSWER,
    boto3.exceptions.S3TransferFailedError: hints.NO_ANSWER,
}
"""By class; the nearest one above counts, and whatever is left is a setting."""


def hint_for(error: Exception) -> str:
    """Return what to set, or to type, so that AWS can be asked."""
    if isinstance(error, botocores.ProfileNotFound):
        return about_profile(str(error.kwargs.get("profile", "")))
    if isinstance(error, botocores.ConfigParseError):
        path = error.kwargs.get("path", "it")
        return (
            f"Mend {path}: it has sections such as [default] or [profile NAME], each with lines"
            " such as region = us-west-2"
        )
    if "Invalid endpoint: " in str(error):
        return about_endpoint()
    known = next((HINTS[one] for one in type(error).__mro__ if one in HINTS), SETTING)
    return known.format(
        config=path_of("config_file"),
        credentials=path_of("credentials_file"),
        profile="" if profile() == "default" else f" --profile {profile()}",
    )


def about_profile(name: str) -> str:
    """Return what to do about a profile that is not there."""
    there = _core().available_profiles
    near = difflib.get_close_matches(name, there, 1)
    if near:
        return f"Did you mean: export AWS_PROFILE={near[0]}"
    listed = f"those that there are: {', '.join(there)}" if there else "there is none"
    return f"Set AWS_PROFILE to a profile in {path_of('config_file')} ({listed}), or unset it."


def about_endpoint() -> str:
    """Return which address to mend, as far as the environment has it."""
    names = sorted(one for one in os.environ if one.startswith("AWS_ENDPOINT_URL"))
    named = ", ".join(f"{one}={os.environ[one]}" for one in names)
    where = named or f"endpoint_url in {path_of('config_file')}"
    return f"Begin the address with http:// or https://, or unset it: {where}"


def about_region_in(url: str) -> str:
    """Return which region is meant where the address of a service names none of AWS's; else ""."""
    named = [one for one in (urlsplit(url).hostname or "").split(".") if REGION.fullmatch(one)]
    core = _core()
    known = [
        region
        for partition in core.get_available_partitions()
        for region in core.get_available_regions("ec2", partition)
    ]
    if not named or named[0] in known:
        return ""
    near = difflib.get_close_matches(named[0], known, 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"AWS has no region {named[0]} that is known here.{meant} {REGION_HINT}"


def how_to_renew() -> str:
    """Return where the credentials come from that have ended, and how to renew them there."""
    found = current_credentials()
    method = str(found.method) if found else ""
    if method == "env":
        return (
            "They are in the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and"
            " AWS_SESSION_TOKEN."
        )
    if method == "shared-credentials-file":
        return f"They are in {path_of('credentials_file')}, from where a run takes up new ones."
    if method in ("sso", "login"):
        return f"Type: aws {'sso ' if method == 'sso' else ''}login --profile {profile()}"
    return ""


def spell_unreadable() -> str:
    """Return which file of settings is there and may not be read, as the end of a sentence."""
    paths = [Path(path_of(one)) for one in ("credentials_file", "config_file")]
    barred = [str(one) for one in paths if one.is_file() and not os.access(one, os.R_OK)]
    return f", and {' and '.join(barred)} cannot be read" if barred else ""


def path_of(variable: str) -> str:
    """Return where botocore looks for `config_file` or `credentials_file`."""
    return str(Path(str(_core().get_config_variable(variable))).expanduser())


def profile() -> str:
    """Return the name of the profile in use."""
    return str(_core().get_config_variable("profile") or "default")


def _core() -> Any:
    """Return a session of botocore's that reads nothing but names; the process's own may fail."""
    return botocore.session.get_session()

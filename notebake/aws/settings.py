"""AWS's settings on this computer, as botocore finds them, and hints for errors in them."""

import difflib
import os
import re
from pathlib import Path
from typing import Any

import boto3.exceptions
import botocore.session
from botocore import exceptions as botocores

from notebake.aws import hints
from notebake.aws.hints import REGION as REGION_HINT
from notebake.aws.session import current_credentials

ADDRESS = re.compile(r"endpoint|URL")
REINSTALL = "Install notebake's packages again: make setup"
INVALID_VALUE = "A value in the recipe has a format that AWS does not accept."
SETTING = "Correct that setting, in the environment (AWS_…) or in {config}"
SSO = "Log in again: aws sso login{profile}"
HINTS: dict[type[Exception], str] = {
    botocores.ConfigNotFound: "Set AWS_CONFIG_FILE to an existing file, or unset it.",
    botocores.PartialCredentialsError: "Set both halves: AWS_ACCESS_KEY_ID and"
    " AWS_SECRET_ACCESS_KEY, or aws_access_key_id and aws_secret_access_key in {credentials}",
    botocores.CredentialRetrievalError: "Log in again with the program that provides these"
    " credentials. See the profile in {config}, and type: aws sts get-caller-identity{profile}",
    botocores.RefreshWithMFAUnsupportedError: "Log in with the MFA code for longer, and set"
    " AWS_PROFILE to the resulting credentials: aws sts get-session-token",
    botocores.MetadataRetrievalError: "This machine's role gives no credentials. Attach a role to"
    " it, or set AWS_PROFILE.",
    botocores.InvalidIMDSEndpointError: "Correct or unset AWS_EC2_METADATA_SERVICE_ENDPOINT.",
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
    botocores.UnknownCredentialError: "Correct credential_source in {config}",
    botocores.MissingDependencyException: REINSTALL,
    botocores.DataNotFoundError: f"{REINSTALL} - and unset AWS_DATA_PATH if it is set.",
    botocores.ApiVersionNotFoundError: f"{REINSTALL} - and unset AWS_DATA_PATH if it is set.",
    botocores.MD5UnavailableError: "This Python has no MD5, as in FIPS mode: use another one.",
    botocores.InvalidProxiesConfigError: "Correct HTTPS_PROXY and HTTP_PROXY.",
    botocores.ParamValidationError: INVALID_VALUE,
    botocores.ValidationError: INVALID_VALUE,
    boto3.exceptions.RetriesExceededError: hints.NO_ANSWER,
    boto3.exceptions.S3TransferFailedError: hints.NO_ANSWER,
}
"""By error class; a subclass without an entry has the hint of its nearest base class."""


def hint_for(error: Exception) -> str:
    """Return what to set, or to type, so that calls to AWS can be sent."""
    if isinstance(error, botocores.ProfileNotFound):
        return profile_hint(str(error.kwargs.get("profile", "")))
    if isinstance(error, botocores.ConfigParseError):
        path = error.kwargs.get("path", "it")
        return (
            f"Correct {path}: it has sections such as [default] or [profile NAME], each with lines"
            " such as region = us-west-2"
        )
    if isinstance(error, botocores.PartialCredentialsError):
        provider, missing = (str(error.kwargs.get(key)) for key in ("provider", "cred_var"))
        if provider.startswith("assume-role"):
            return f"Add {missing} to the profile {profile()} in {path_of('config_file')}"
    retrieval = botocores.CredentialRetrievalError
    if isinstance(error, retrieval) and error.kwargs.get("provider") == "env":
        return "Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN again."
    if isinstance(error, botocores.InvalidConfigError) and ADDRESS.search(str(error)):
        return endpoint_hint()
    known = next((HINTS[cls] for cls in type(error).__mro__ if cls in HINTS), SETTING)
    return known.format(
        config=path_of("config_file"),
        credentials=path_of("credentials_file"),
        profile="" if profile() == "default" else f" --profile {profile()}",
    )


def profile_hint(name: str) -> str:
    """Return the hint for a missing profile."""
    profiles = core_settings().available_profiles
    config = path_of("config_file")
    if name in core_settings().full_config:
        return f"In {config} write [profile {name}] instead of [{name}]."
    near = difflib.get_close_matches(name, profiles, 1)
    if near:
        return f"Did you mean: export AWS_PROFILE={near[0]}"
    listed = f"available: {', '.join(profiles)}" if profiles else "there is none"
    return f"Set AWS_PROFILE to a profile in {config} ({listed}), or unset it."


def renewal_hint() -> str:
    """Return the source of the expired credentials, and how to renew them."""
    found = current_credentials()
    method = str(found.method) if found else ""
    if method == "env":
        return (
            "They are in the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and"
            " AWS_SESSION_TOKEN."
        )
    if method == "shared-credentials-file":
        return f"They are in {path_of('credentials_file')}; a run reads renewed ones from there."
    if method in ("sso", "login"):
        return f"Type: aws {'sso ' if method == 'sso' else ''}login --profile {profile()}"
    return ""


def endpoint_hint() -> str:
    """Return how to correct the endpoint, and the setting that defines it."""
    names = sorted(name for name in os.environ if name.startswith("AWS_ENDPOINT_URL"))
    named = ", ".join(f"{name}={os.environ[name]}" for name in names)
    setting = named or f"endpoint_url in {path_of('config_file')}"
    return f"Begin the address with http:// or https://, or unset it: {setting}"


def path_of(variable: str) -> str:
    """Return the path of botocore's `config_file` or `credentials_file`."""
    path = Path(str(core_settings().get_config_variable(variable)))
    try:
        return str(path.expanduser())
    except RuntimeError:
        # HOME is not set, and this user has no home directory.
        return str(path)


def profile() -> str:
    """Return the name of the profile in use."""
    return str(core_settings().get_config_variable("profile") or "default")


def format_unreadable() -> str:
    """Return which settings files cannot be read, as the end of a sentence."""
    paths = [Path(path_of(variable)) for variable in ("credentials_file", "config_file")]
    unreadable = [str(path) for path in paths if path.is_file() and not os.access(path, os.R_OK)]
    return f", and {' and '.join(unreadable)} cannot be read" if unreadable else ""


def core_settings() -> Any:
    """Return a botocore session for reading settings; unlike the process's own it never fails."""
    return botocore.session.get_session()

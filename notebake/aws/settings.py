"""AWS's settings on this computer: what is wrong with them, and where to mend it."""

import difflib
import re

import boto3.exceptions
from botocore import exceptions as botocores

from notebake.aws import hints
from notebake.aws.addresses import about_endpoint
from notebake.aws.hints import REGION as REGION_HINT
from notebake.aws.session import current_credentials
from notebake.aws.settings_files import core_settings, path_of, profile

ADDRESS = re.compile(r"endpoint|URL")
AGAIN = "Install notebake's packages again: make setup"
SETTING = "Mend that setting, in the environment (AWS_…) or in {config}"
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
    if isinstance(error, botocores.InvalidConfigError) and ADDRESS.search(str(error)):
        return about_endpoint()
    known = next((HINTS[one] for one in type(error).__mro__ if one in HINTS), SETTING)
    return known.format(
        config=path_of("config_file"),
        credentials=path_of("credentials_file"),
        profile="" if profile() == "default" else f" --profile {profile()}",
    )


def about_profile(name: str) -> str:
    """Return what to do about a profile that is not there."""
    there = core_settings().available_profiles
    near = difflib.get_close_matches(name, there, 1)
    if near:
        return f"Did you mean: export AWS_PROFILE={near[0]}"
    listed = f"those that there are: {', '.join(there)}" if there else "there is none"
    return f"Set AWS_PROFILE to a profile in {path_of('config_file')} ({listed}), or unset it."


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

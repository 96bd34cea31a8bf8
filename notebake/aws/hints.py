"""Hints for errors of AWS: what to do, or to type, next."""

TRANSIENT = "It may pass by itself: try again in a while."
NO_ANSWER = "Check the network, then try again."
NO_CREDENTIALS = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
NO_ROOM = "No room at present: try again in a while, or name another type in the recipe."
CHECK = "Check the credentials with: aws sts get-caller-identity"
LOG_IN = "Log in again, then try again."
PERMISSION = "Ask for this permission, or use other credentials."
REGION = "Name a region of AWS, such as us-west-2, in the recipe, or set AWS_REGION."
CLOCK = "Set the clock: sudo timedatectl set-ntp true - then try again."
SUPPORT = "https://console.aws.amazon.com/support/"
KEY_REFUSED = (
    "The KMS key that encrypts the disks cannot be used. Check that it is enabled, and that its"
    " policy lets these credentials use it (kms:DescribeKey, kms:CreateGrant, kms:Decrypt,"
    " kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt*): aws kms describe-key --key-id KEY"
    "\nThe account's default key is shown by: aws ec2 get-ebs-default-kms-key-id"
)
BY_CODE = {
    **dict.fromkeys(
        ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "Client.Unauthorized"),
        PERMISSION,
    ),
    **dict.fromkeys(("AuthFailure", "SignatureDoesNotMatch", "InvalidSignatureException"), CHECK),
    **dict.fromkeys(("InvalidAccessKeyId", "InvalidClientTokenId"), CHECK),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired"), LOG_IN),
    **dict.fromkeys(
        ("TokenRefreshRequired", "InvalidToken", "UnrecognizedClientException"), LOG_IN
    ),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestInTheFuture"), CLOCK),
    "PendingVerification": (
        "AWS is still verifying this account for the region, which takes minutes, at most some"
        f" hours: try again then. If it does not pass, ask AWS: {SUPPORT}"
    ),
    "OptInRequired": (
        "The account has not subscribed to this: accept the terms of the image on AWS Marketplace,"
        " or finish signing up to AWS (a means of payment, a phone number), then try again."
    ),
    "Blocked": f"AWS has blocked this account. Ask AWS: {SUPPORT}",
}


def hint_for_code(code: str) -> str:
    """Return the hint for an error code, or ""."""
    if "KMS" in code:
        return KEY_REFUSED
    return BY_CODE.get(code, "")


def decode(encoded: str) -> str:
    """Return the command that shows which policy statement denied the call."""
    return (
        "To see which rule denied it: aws sts decode-authorization-message"
        f" --query DecodedMessage --output text --encoded-message {encoded}"
    )


def untrusted(bundle: str) -> str:
    """Return what to do if a proxy intercepts TLS with a certificate of its own."""
    append = f", append it to a copy of {bundle}," if bundle else ","
    return (
        "A proxy inspects the traffic, as in many companies. Get the certificate of that issuer"
        f" from its administrators{append} and type: export AWS_CA_BUNDLE=/path/to/it.pem"
    )

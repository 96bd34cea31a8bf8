"""Public SSM parameters with the image ids of Ubuntu and of the twists, for moto's SSM."""

from datetime import UTC, datetime

from moto.ssm.models import Parameter, ssm_backends

from sandbox.ec2.state import base_images


def publish(account_id: str, region_name: str) -> None:
    """Add the parameters of a region. May be repeated."""
    known = ssm_backends[account_id][region_name]._parameters
    for name, value in base_images.ssm_parameters(region_name).items():
        if name not in known:
            known[name].append(_make_parameter(account_id, name, value))


def _make_parameter(account_id: str, name: str, value: str) -> object:
    return Parameter(
        account_id=account_id,
        name=name,
        value=value,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=datetime(2026, 3, 1, tzinfo=UTC),
        version=1,
        data_type="aws:ec2:image",
    )

"""An instance's serial console: what the host wrote, and how other writers can interrupt it."""

import base64
import re
from typing import Any

from sandbox.ec2.errors import ec2_error
from sandbox.ec2.instances.types import is_nitro
from sandbox.ec2.model import Params
from sandbox.ec2.state.region import Region

# The kernel, systemd and cloud-init all write to ttyS0 without waiting for each other.
ANOTHER_WRITER = '[   17.043216] audit: type=1400 apparmor="STATUS" operation="profile_load"\r\n'
HOST_KEY = re.compile(r"^(?:\S+ )?ssh-\S+ AAAA\S+|SHA256:\S{43}", re.MULTILINE)


def get_console_output(region: Region, parameters: Params) -> dict[str, Any]:
    """GetConsoleOutput: what the host wrote; `Latest` on Nitro only.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html
    """
    instance = region.find_instance(parameters["InstanceId"])
    region.check_dry_run(parameters)
    if parameters.get("Latest") and not is_nitro(instance.instance_type):
        message = "This instance type does not support retrieving the latest console logs."
        raise ec2_error("UnsupportedOperation", message)
    text = instance.last_console or region.core.machines.console(instance.id)
    if instance.console_is_cut:
        instance.console_is_cut = False
        text = cut_host_keys(text)
    return {
        "InstanceId": instance.id,
        "Timestamp": region.now(),
        "Output": base64.b64encode(text.encode()).decode(),
    }


def cut_host_keys(text: str) -> str:
    """Return the console output as it is when another writer interrupts each host key."""

    def cut(found: re.Match[str]) -> str:
        half = len(found[0]) // 2
        return f"{found[0][:half]}{ANOTHER_WRITER}{found[0][half:]}"

    return HOST_KEY.sub(cut, text)

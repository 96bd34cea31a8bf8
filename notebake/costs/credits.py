"""What burstable types cost beside their price: CPU credits, above a baseline of their vCPUs.

They launch as `unlimited`: what they compute above the baseline of 24 hours, or of their life,
costs a flat rate, and is charged at the latest when they are stopped or terminated.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-unlimited-mode-concepts.html
"""

BASELINES = {
    "nano": (2, 0.05),
    "micro": (2, 0.10),
    "small": (2, 0.20),
    "medium": (2, 0.20),
    "large": (2, 0.30),
    "xlarge": (4, 0.40),
    "2xlarge": (8, 0.40),
}
"""vCPUs, and the share of each that is in the price; the same for T3, T3a and T4g.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html"""
USD_PER_VCPU_HOUR = {"t3": 0.05, "t3a": 0.05, "t4g": 0.04}
"""For Linux, in all regions (https://aws.amazon.com/ec2/pricing/on-demand/, "T2/T3/T4g Unlimited
Mode Pricing"). T2 launches as `standard`, and costs nothing above its price."""


def surplus_usd_per_hour(instance_type: str) -> float:
    """Return what an hour costs at most above the price of a type: all vCPUs busy all the time."""
    family, _, size = instance_type.partition(".")
    if family not in USD_PER_VCPU_HOUR or size not in BASELINES:
        return 0.0
    vcpus, baseline = BASELINES[size]
    return vcpus * (1 - baseline) * USD_PER_VCPU_HOUR[family]


def describe_surplus(instance_type: str) -> str:
    """Return how much more it may be, for people; "" for a type that costs its price."""
    surplus = surplus_usd_per_hour(instance_type)
    return f"up to ${surplus:.2f} an hour more while it computes (CPU credits)" if surplus else ""

"""The error that the sandbox reports to people."""


class SandboxError(Exception):
    """Something failed. The message contains what was tried, on what, and what came back."""

"""What the sandbox tells a person when it cannot go on."""


class SandboxError(Exception):
    """Something was refused. The message says what was tried, on what, and what came back."""

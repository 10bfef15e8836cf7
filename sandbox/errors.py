"""Every error the sandbox's supervisor raises on purpose.

SandboxError            the message is for a person: what failed, the value, what to do next
├── ProcessError        a process could not be started, or ended before it was ready
├── PortInUseError      another program listens on a port the sandbox wants
└── DemoError           the demo ran, but its result is not the one that the sample logs promise
"""


class SandboxError(Exception):
    """Something failed that the command line reports without a traceback."""


class ProcessError(SandboxError):
    """A process could not be started, or ended before it was ready."""


class PortInUseError(SandboxError):
    """Another program listens on a port that the sandbox wants."""


class DemoError(SandboxError):
    """The demo ran to its end, but counts differ from what the sample logs promise."""

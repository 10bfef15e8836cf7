"""The errors that the sandbox's supervisor raises.

SandboxError            the message is for the user: what failed, the value, what to do next
├── ProcessError        a process could not be started, or ended before it was ready
├── PortInUseError      another program uses a port that the sandbox needs
└── DemoError           the demo finished, but counts differ from those that the sample logs promise
"""


class SandboxError(Exception):
    """A failure that the command line reports without a traceback."""


class ProcessError(SandboxError):
    """A process could not be started, or ended before it was ready."""


class PortInUseError(SandboxError):
    """Another program uses a port that the sandbox needs."""


class DemoError(SandboxError):
    """The demo finished, but counts differ from those that the sample logs promise."""

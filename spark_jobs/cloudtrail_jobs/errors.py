"""Everything this job stops for on purpose. The message is one paragraph: what, which value, what to do.

JobError                  fatal; starting again with the same arguments changes nothing
├── ArgumentsError        the command line; exit code 2
├── CheckpointConflictError  the checkpoint belongs to another stream
├── TableConflictError       the Delta path holds something else
├── AccessError              what the cluster's role cannot do, all of it (`verify_access`)
├── KindsFailedError      what kept kinds of a run of several from being ingested, each in its own words
└── StreamFailedError        Spark stopped the stream; retryable, a new run goes on where this one stopped
    └── BatchImbalanceError  a batch whose records are not all accounted for; retrying is pointless
"""

from collections.abc import Mapping


class JobError(Exception):
    """The root of this job's own errors."""


class ArgumentsError(JobError, SystemExit):
    """Arguments that cannot work, all of them in one message.

    It is a `SystemExit` so that a process ends with the code 2 that command lines use, and a `JobError` so
    that a service which shows the exception (Databricks' `get-output`) shows the message and not the code.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("The job was started with arguments it cannot use: " + "; ".join(problems) + ".")
        self.problems = problems
        self.code = 2


class CheckpointConflictError(JobError):
    """The checkpoint was made for another logs path, Delta path or kind."""


class TableConflictError(JobError):
    """The Delta path holds something that this kind of record cannot be appended to."""


class AccessError(JobError):
    """What could not be listed, read, written or deleted, each with the permission that is missing."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class KindsFailedError(JobError):
    """Kinds of a run of several that failed; the others were ingested."""

    def __init__(self, failures: Mapping[str, Exception], asked: int) -> None:
        what = "; ".join(f"{kind}: {type(error).__name__}: {error}" for kind, error in failures.items())
        rest = ", the others were ingested" if len(failures) < asked else ""
        super().__init__(f"{len(failures)} of {asked} kinds failed{rest}. {what}")
        self.failures = dict(failures)


class StreamFailedError(JobError):
    """Spark stopped the stream: what it wrote stays, and a new run goes on with the batch that failed."""


class BatchImbalanceError(StreamFailedError):
    """Records of a batch that reached neither the table nor the quarantine."""

"""Every error with which this job stops on purpose. A message names the failure, the value and the remedy.

JobError                     fatal: the same arguments fail again
├── ArgumentsError           the command line cannot be used
├── VersionError             the code that runs is not the code that was submitted
├── CheckpointConflictError  the checkpoint belongs to another stream
├── TableConflictError       the Delta path holds something else
├── LostTableError           the checkpoint knows log files whose table or quarantine no longer exists
├── AccessError              everything that the cluster's role cannot do (`verify_access`)
├── EvidenceError            the file of public keys is not one
├── HoldError                a legal hold forbids the deletion
├── DeletionError            a deletion left something else than it should
├── KindsFailedError         the kinds that failed in a run of several, each with its error
└── StreamFailedError        Spark stopped the stream; retryable: a new run resumes where this one stopped
    ├── BatchImbalanceError  a batch does not account for all of its records; a retry does not help
    ├── LogsRefusedError     the store refuses most log files of a batch; a retry does not help
    └── BatchChangedError    a batch that was written has other files or contents now; a retry does not help
"""

from collections.abc import Mapping


class JobError(Exception):
    """The root of this job's errors."""


class ArgumentsError(JobError):
    """Raised when the job cannot use its command line; the message has every problem.

    It is not a `SystemExit`, as the errors of other command lines are: Databricks runs a wheel task in an
    interactive interpreter, which has its own rules for that exception.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("The job cannot use its arguments: " + "; ".join(problems) + ".")
        self.problems = problems


class VersionError(JobError):
    """Raised when another build of this job runs than the caller submitted, or than the driver runs."""


class CheckpointConflictError(JobError):
    """Raised when the checkpoint belongs to another logs path, Delta path or kind."""


class TableConflictError(JobError):
    """Raised when the job cannot append records of this kind to what the Delta path holds."""


class LostTableError(JobError):
    """Raised when the checkpoint has progress, but the table or its quarantine no longer exists."""


class AccessError(JobError):
    """Raised when a place cannot be listed, read, written or deleted; names the missing permissions."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class EvidenceError(JobError):
    """Raised when the file with CloudTrail's public keys cannot be used."""


class HoldError(JobError):
    """Raised when records are to be deleted from a table that a legal hold protects."""


class DeletionError(JobError):
    """Raised when the tables do not hold what a deletion should have left; nothing more is deleted."""


class KindsFailedError(JobError):
    """Raised at the end of a run of several kinds if any of them failed."""

    def __init__(self, failures: Mapping[str, Exception], asked: int) -> None:
        what = "; ".join(f"{kind}: {type(error).__name__}: {error}" for kind, error in failures.items())
        rest = "; the job ingested the others" if len(failures) < asked else ""
        super().__init__(f"{len(failures)} of {asked} kinds failed{rest}. {what}")
        self.failures = dict(failures)


class StreamFailedError(JobError):
    """Raised when Spark stopped the stream. Finished writes stay; a new run resumes with the failed batch."""


class BatchImbalanceError(StreamFailedError):
    """Raised when a batch's counts disagree: records may be in neither the table nor the quarantine."""


class LogsRefusedError(StreamFailedError):
    """Raised when the store refuses most log files of a batch: a right is missing, so no file is at fault."""


class BatchChangedError(StreamFailedError):
    """Raised when a batch that an earlier run has written has other files, or other contents, now."""

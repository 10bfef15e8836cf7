"""Every error this project raises on purpose.

    CloudTrailError                 something failed that a retry may mend: Airflow retries it
    └── FatalError                  a retry cannot mend it: Airflow fails the task at once
        ├── InvalidRequestError     params that break the contract, all of them named
        ├── InvalidAccountError     an entry of accounts.yaml that cannot be used
        ├── PreflightError          findings that failed, each with its remedy
        ├── DatabricksRunError      a Databricks run that ended without success, with its own error
        ├── DeltaLogTimeoutError    no commit appeared in a `_delta_log` in time
        ├── CountMismatchError      rows, records and log disagree
        └── UnreadableRecordError   what another task left is not what this release reads

A message says what failed, the value, and what to do next.
"""

from airflow.sdk.exceptions import AirflowException, AirflowFailException


class CloudTrailError(AirflowException):
    """Something failed that a retry may mend."""


class FatalError(CloudTrailError, AirflowFailException):
    """Something failed that a retry cannot mend; Airflow fails the task without another try."""


class InvalidRequestError(FatalError):
    """The params break the contract. `violations` holds every one, so that a person fixes them at once."""

    def __init__(self, violations: list[str]) -> None:
        self.violations = violations
        lines = "\n".join(f"  - {violation}" for violation in violations)
        super().__init__(f"{len(violations)} problem(s) with the params; nothing was submitted:\n{lines}")


class InvalidAccountError(FatalError):
    """An entry of accounts.yaml breaks the contract. The message holds every problem with file and line."""


class PreflightError(FatalError):
    """At least one preflight check failed. The message holds the failed findings and their remedies."""


class DatabricksRunError(FatalError):
    """A Databricks run ended without success. The message holds the run's own error and its page."""


class DeltaLogTimeoutError(FatalError):
    """No commit appeared in a table's `_delta_log` in time. The message says what was looked for."""


class CountMismatchError(FatalError):
    """Counts that must agree do not: rows by SQL, rows by the Delta log, records in the log files."""


class UnreadableRecordError(FatalError):
    """What another task, or another release, left cannot be read. The message says which record and why."""

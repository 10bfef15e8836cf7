"""The errors that this project raises.

    CloudTrailError                 a retry may help: Airflow retries the task
    └── FatalError                  a retry cannot help: Airflow fails the task at once
        ├── InvalidRequestError     params are invalid; the message names all of them
        ├── InvalidAccountError     an entry of accounts.yaml is invalid
        ├── PreflightError          checks failed; the message has each finding and its remedy
        ├── DatabricksRunError      a Databricks run ended without success; the message has its error
        ├── DeltaLogTimeoutError    no commit appeared in a `_delta_log` in time
        ├── CountMismatchError      counts of rows, records and the Delta log differ
        │   └── IncompleteError     log files lack records, have them twice, or somebody changed rows
        └── UnreadableRecordError   this release cannot read what another task or release wrote

A message says what failed, the value, and what to do next.
"""

from airflow.sdk.exceptions import AirflowException, AirflowFailException


class CloudTrailError(AirflowException):
    """An error that a retry may fix."""


class FatalError(CloudTrailError, AirflowFailException):
    """An error that a retry cannot fix; Airflow fails the task without another try."""


class InvalidRequestError(FatalError):
    """The params are invalid. `violations` has all of them, so that they can be corrected in one step."""

    def __init__(self, violations: list[str]) -> None:
        self.violations = violations
        lines = "\n".join(f"  - {violation}" for violation in violations)
        super().__init__(f"{len(violations)} problem(s) with the params; nothing was submitted:\n{lines}")


class InvalidAccountError(FatalError):
    """An entry of accounts.yaml is invalid. The message has every problem with file and line."""


class PreflightError(FatalError):
    """At least one preflight check failed. The message has the failed findings and their remedies."""


class DatabricksRunError(FatalError):
    """A Databricks run ended without success. The message has the run's error and its page."""


class DeltaLogTimeoutError(FatalError):
    """No commit appeared in a table's `_delta_log` in time. The message names the expected file."""


class CountMismatchError(FatalError):
    """Counts that must agree do not: rows by SQL, rows in the Delta log, records in the log files."""


class IncompleteError(CountMismatchError):
    """Log files do not balance, or somebody else changed rows. It stays true until the log files balance.

    `summary` says it in one sentence, for an alert. It has no count that changes from run to run.
    """

    def __init__(self, message: str, *, summary: str = "") -> None:
        super().__init__(message)
        self.summary = summary or message


class UnreadableRecordError(FatalError):
    """A record from another task or release cannot be read. The message says which one and why."""

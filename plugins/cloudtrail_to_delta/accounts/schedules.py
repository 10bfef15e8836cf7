"""The schedules of accounts: words and cron expressions, spread so that not all accounts start at once."""

import hashlib
import re
from datetime import UTC, datetime

WORDS = ("hourly", "daily", "none")
# croniter's extensions: a random time, and a time derived from a name that Airflow does not pass.
_RANDOM = re.compile(r"\b[RH]\b", re.IGNORECASE)
WANTED = f"{', '.join(WORDS)}, or five cron fields in quotes, like '15 * * * *' (UTC)"


def cron_of(schedule: str, dag_id: str) -> str | None:
    """Return the cron expression of a checked schedule; None for a DAG that only runs when it is triggered.

    A hash of the DAG ID gives the minute of `hourly`, and the minute and hour of `daily`. They are the same
    on every machine and in every process, and many accounts spread evenly.
    """
    if schedule == "none":
        return None
    number = int.from_bytes(hashlib.sha256(dag_id.encode()).digest()[:8], "big")
    minute, hour = number % 60, number // 60 % 24
    return {"hourly": f"{minute} * * * *", "daily": f"{minute} {hour} * * *"}.get(schedule, schedule)


def schedule_complaint(value: object) -> str | None:
    """Return the complaint about a schedule; None for a valid schedule."""
    if isinstance(value, str) and value in WORDS:
        return None
    if not isinstance(value, str) or len(value.split()) != 5:
        return f"give {WANTED}."
    if _RANDOM.search(value):
        return (
            "R is a different time whenever Airflow reads the file, and Airflow does not support H: give "
            f"{WANTED}."
        )
    from croniter import croniter

    try:
        dates = croniter(value, datetime.now(UTC), ret_type=datetime)
    except Exception as error:  # noqa: BLE001 - croniter raises more than its own errors
        return f"{error}: give {WANTED}."
    try:
        # The interval of a run is between two dates.
        dates.get_next(), dates.get_next()
    except Exception:  # noqa: BLE001 - likewise
        return f"this date does not exist, so the DAG would never run: give {WANTED}."
    return None

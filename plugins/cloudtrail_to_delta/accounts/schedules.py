"""When an account's DAG runs: words and cron expressions, spread so that not all accounts start at once."""

import hashlib
import re
from datetime import UTC, datetime

WORDS = ("hourly", "daily", "none")
# croniter's own: a random time, and one that follows from a name that Airflow does not give.
_RANDOM = re.compile(r"\b[RH]\b", re.IGNORECASE)
WANTED = f"{', '.join(WORDS)}, or five fields of cron in quotes, like '15 * * * *' (UTC)"


def cron_of(schedule: str, dag_id: str) -> str | None:
    """The cron expression of a checked schedule; None for a DAG that runs only when it is triggered.

    `hourly` and `daily` have their minute (and hour) from a hash of the DAG id: the same on every machine and
    in every process, and even over many accounts.
    """
    if schedule == "none":
        return None
    number = int.from_bytes(hashlib.sha256(dag_id.encode()).digest()[:8], "big")
    minute, hour = number % 60, number // 60 % 24
    return {"hourly": f"{minute} * * * *", "daily": f"{minute} {hour} * * *"}.get(schedule, schedule)


def schedule_complaint(value: object) -> str | None:
    """What is wrong with a schedule; None when nothing is."""
    if isinstance(value, str) and value in WORDS:
        return None
    if not isinstance(value, str) or len(value.split()) != 5:
        return f"give {WANTED}."
    if _RANDOM.search(value):
        return f"R is another time whenever Airflow reads the file, and H is not for Airflow; give {WANTED}."
    from croniter import croniter

    try:
        dates = croniter(value, datetime.now(UTC), ret_type=datetime)
    except Exception as error:  # noqa: BLE001 - croniter raises more than its own errors
        return f"{error}; give {WANTED}."
    try:
        # The interval of a run lies between two dates.
        dates.get_next(), dates.get_next()
    except Exception:  # noqa: BLE001 - likewise
        return f"there is no such date, so the DAG would never run; give {WANTED}."
    return None

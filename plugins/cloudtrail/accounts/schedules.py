"""When an account's DAG runs: words and cron expressions, spread so that not all accounts start at once."""

import hashlib

WORDS = ("hourly", "daily", "none")
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
    if value in WORDS:
        return None
    if not isinstance(value, str) or len(value.split()) != 5:
        return f"give {WANTED}."
    from airflow.sdk import CronDataIntervalTimetable
    from airflow.sdk.exceptions import AirflowTimetableInvalid

    try:
        CronDataIntervalTimetable(value, timezone="UTC").validate()
    except AirflowTimetableInvalid as error:
        return f"{error}; give {WANTED}."
    return None

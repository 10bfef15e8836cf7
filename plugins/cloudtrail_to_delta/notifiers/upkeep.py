"""The alert about a failed task of the upkeep, with the upkeep's own names and remedies."""

from dataclasses import replace

from cloudtrail_to_delta.guidance import upkeep_guidance_for
from cloudtrail_to_delta.notifiers.failure import FailureNotifier
from cloudtrail_to_delta.records.alert_events import Event

PAGE = "upkeep"
MEANING = (
    "The upkeep stopped at this task. No record is lost by accident: each deleted one has a row in the "
    "quarantine. Ingests are not affected."
)


class UpkeepFailureNotifier(FailureNotifier):
    """Callback for the upkeep. Log files that do not balance keep their own alert."""

    title = "CloudTrail upkeep"

    def explained(self, event: Event) -> Event:
        """Return the event with the upkeep's remedy, meaning and page."""
        if event.name != "task_failed":
            return event
        return replace(event, remedy=upkeep_guidance_for(event.subject), meaning=MEANING, page=PAGE)

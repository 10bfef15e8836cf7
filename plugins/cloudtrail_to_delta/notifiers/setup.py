"""The alert about a failed task of the set-up, with the set-up's own names and remedies."""

from dataclasses import replace

from cloudtrail_to_delta.guidance import setup_guidance_for
from cloudtrail_to_delta.notifiers.failure import FailureNotifier
from cloudtrail_to_delta.records.alert_events import Event

PAGE = "setup"
MEANING = (
    "The set-up stopped at this task. The resources that it has created so far stay, with its tag. Running "
    "ingests are not affected."
)


class SetupFailureNotifier(FailureNotifier):
    """Callback for the set-up. A finding of its preflight keeps the finding's own remedy."""

    title = "CloudTrail set-up"

    def explained(self, event: Event) -> Event:
        """Return the event with the set-up's remedy, meaning and page."""
        if event.name != "task_failed":
            return replace(event, meaning=MEANING)
        return replace(event, remedy=setup_guidance_for(event.subject), meaning=MEANING, page=PAGE)

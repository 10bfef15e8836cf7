"""The alert on a failed task of the set-up, whose tasks have names and remedies of their own."""

from dataclasses import replace

from cloudtrail_to_delta.guidance import setup_guidance_for
from cloudtrail_to_delta.notifiers.failure import FailureNotifier
from cloudtrail_to_delta.records.alert_events import Event

PAGE = "setup"
MEANING = (
    "The set-up stopped there. What it had made by then stays and carries its tag; ingests that run are not "
    "affected."
)


class SetupFailureNotifier(FailureNotifier):
    """As for the ingest; of a finding of its preflight the remedy is the finding's own."""

    title = "CloudTrail set-up"

    def explained(self, event: Event) -> Event:
        """The event with the set-up's own remedy, meaning and page."""
        if event.name != "task_failed":
            return replace(event, meaning=MEANING)
        return replace(event, remedy=setup_guidance_for(event.subject), meaning=MEANING, page=PAGE)

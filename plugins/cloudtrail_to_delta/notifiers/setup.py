"""The alert about a failed task of the set-up, with the set-up's own names and remedies."""

from dataclasses import replace

from airflow.sdk import Context

from cloudtrail_to_delta.alerts.dispatch import Teller
from cloudtrail_to_delta.guidance import setup_guidance_for
from cloudtrail_to_delta.notifiers.failure import FailureNotifier
from cloudtrail_to_delta.records.alert_events import Event
from cloudtrail_to_delta.setup.allowed import allowed_targets

PAGE = "setup"
MEANING = (
    "The set-up stopped at this task. The resources that it has created so far stay, with its tag. Running "
    "ingests are not affected."
)


class SetupFailureNotifier(FailureNotifier):
    """Callback for the set-up. A finding of its preflight keeps the finding's own remedy."""

    title = "CloudTrail set-up"

    def teller(self, context: Context) -> Teller:
        """Return the sender of the alert, without the targets that an operator's list forbids."""
        teller = super().teller(context)
        try:
            teller.params = allowed_targets(teller.params)
        except Exception as error:  # noqa: BLE001 - a target too many is better than no alert
            self.log.warning("The list of allowed connections could not be read: %s", error)
        return teller

    def explained(self, event: Event) -> Event:
        """Return the event with the set-up's remedy, meaning and page."""
        if event.name != "task_failed":
            return replace(event, meaning=MEANING)
        return replace(event, remedy=setup_guidance_for(event.subject), meaning=MEANING, page=PAGE)

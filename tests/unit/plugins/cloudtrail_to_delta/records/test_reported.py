"""What an asset event says of a run's figures is what its outcome said."""

from datetime import UTC, datetime

from cloudtrail_to_delta.records.outcome import Known, Outcome
from cloudtrail_to_delta.records.table_event import TableEvent

NOW = datetime(2026, 11, 28, tzinfo=UTC)
OUTCOME = Outcome(
    kind="events",
    table="main.security.trail",
    delta_path="s3://lake/events",
    version=7,
    row_count=90,
    log_rows=90,
    quarantined=12,
    removed=3,
    deleted=4,
    run_rows=9,
    run_files=2,
    run_quarantined=1,
    run_removed=1,
    slowest_seconds=60,
    known=Known(newest_event=NOW, newest_delivery=NOW, regions={"us-east-1": NOW}),
    began_at=NOW,
    asked="a hash",
)


def test_an_outcome_that_is_stored_elsewhere_is_made_again_of_its_asset_event():
    event = TableEvent.from_dict(TableEvent.of_outcome(OUTCOME).to_dict())
    assert event.outcome(table=OUTCOME.table, delta_path=OUTCOME.delta_path) == OUTCOME

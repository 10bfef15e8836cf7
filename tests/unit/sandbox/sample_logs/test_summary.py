"""The summary that tables are compared with."""

from collections import Counter
from datetime import UTC, date, datetime

from sandbox.sample_logs import LogFile, SampleSpec, SampleSummary, generate
from sandbox.sample_logs.summary import summarize

SPEC = SampleSpec(until=datetime(2026, 1, 5, 12, 0, tzinfo=UTC), files=40, records=300, insight_files=4)


def file(**change):
    base = {
        "key": "k",
        "body": b"1234",
        "records": 5,
        "defect": None,
        "kind": "events",
        "account": "1",
        "region": "r",
        "delivered": datetime(2026, 1, 5, tzinfo=UTC),
        "bad_records": ("no_event_time",),
        "event_dates": Counter({date(2026, 1, 5): 4}),
        "event_names": Counter({"GetObject": 4}),
    }
    return LogFile(**{**base, **change})


def test_files_are_counted_with_their_rows_and_with_what_goes_to_the_quarantine():
    broken = file(records=0, defect="not_json", bad_records=(), event_dates=Counter(), event_names=Counter())
    cut = file(records=2, defect="truncated_gzip", bad_records=(), event_dates={}, event_names={})
    counts = summarize([file(), file(), broken, cut]).counts()
    assert (counts.files, counts.bytes, counts.rows) == (4, 16, 8)
    # The file itself and each record that it still holds.
    assert counts.quarantined == {"no_event_time": 2, "not_json": 1, "truncated_gzip": 3}
    assert counts.by_date == {"2026-01-05": 8}
    assert counts.by_name == {"GetObject": 8}


def test_counts_can_be_asked_for_by_kind_account_and_region():
    summary = summarize([file(), file(account="2"), file(kind="insights", region="s")])
    assert summary.counts().files == 3
    assert summary.counts("events").files == 2
    assert summary.counts("events", account="2").files == 1
    assert summary.counts(region="s").files == 1
    assert summary.counts("insights", account="2").files == 0
    assert summary.places == [("events", "1", "r"), ("events", "2", "r"), ("insights", "1", "s")]


def test_records_of_a_sound_file_are_its_rows_and_its_bad_records():
    for one in (file for file in generate(SPEC) if not file.defect):
        assert one.records == one.rows + len(one.bad_records)


def test_a_summary_survives_json():
    summary = summarize(generate(SPEC))
    again = SampleSummary.from_json(summary.to_json())
    assert again.places == summary.places
    assert all(again.counts(*place) == summary.counts(*place) for place in summary.places)


def test_two_batches_add_up_and_neither_changes():
    first, second = summarize([file()]), summarize([file(), file(account="2")])
    both = first + second
    assert both.counts().rows == 12
    assert (first.counts().rows, second.counts().rows) == (4, 8)


def test_a_person_reads_the_counts_and_the_reasons():
    assert "40" not in str(summarize([file()]))
    assert str(summarize([file()])).splitlines() == [
        "events: 1 files, 0.0 MB, 4 records; for the quarantine: no_event_time 1",
        "insights: 0 files, 0.0 MB, 0 records",
    ]

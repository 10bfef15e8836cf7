"""Details are places and counts, and never a record's content."""

from datetime import UTC, datetime

from cloudtrail_to_delta.records.details import Details, Episode, Place

NOON, ONE = "2026-11-22T12:00:00Z", "2026-11-22T13:00:00Z"


def details(*, reasons=(), deliveries=(), episodes=()):
    return Details.of_answers(reasons=reasons, deliveries=deliveries, episodes=episodes)


def delivery(*, region=None, hour=None, files="2", kept="5"):
    return {"region": region, "hour": hour, "newest_delivery": NOON, "files": files, "kept": kept}


def reason(first, last, *, name="no_event_time"):
    row = {"reason": name, "n": "2"}
    for end, (log_file, index, detail) in (("first", first), ("last", last)):
        row |= {f"{end}_log_file": log_file, f"{end}_record_index": index, f"{end}_detail": detail}
    return row


def test_hours_and_regions_are_numbers_and_the_oldest_hour_comes_first():
    rows = [delivery(region="us-east-1"), delivery(hour=ONE), delivery(hour=NOON, files="1", kept="0")]
    found = details(deliveries=rows)
    hours = [datetime(2026, 11, 22, hour, tzinfo=UTC) for hour in (12, 13)]
    assert found.hours == ((hours[0], 1, 0), (hours[1], 2, 5))
    assert found.regions == {"us-east-1": (2, 5)}
    assert found.to_dict()["hours"] == [[NOON, 1, 0], [ONE, 2, 5]]


def test_a_file_whose_path_names_no_region_is_in_no_region():
    assert details(deliveries=[delivery(region="")]).regions == {}


def test_a_reason_has_its_first_and_its_last_place_once_when_they_are_one():
    one, other = ("a", "3", "eventTime is missing"), ("b", None, "x" * 500)
    found = details(reasons=[reason(one, one), reason(one, other, name="not_json")])
    place = Place(log_file="a", record_index=3, detail="eventTime is missing")
    assert found.examples["no_event_time"] == (place,)
    assert found.examples["not_json"] == (place, Place(log_file="b", detail="x" * 300))


def test_the_rates_of_an_insight_are_numbers():
    row = {"shared_event_id": "1", "baseline": "0.5", "peak": None}
    assert details(episodes=[row]).episodes == (Episode(shared_event_id="1", baseline=0.5),)

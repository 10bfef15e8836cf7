"""What a run leaves behind: what is known is kept, details are places and never a record's content."""

import pytest

from cloudtrail_to_delta.outcome import describe_details, known_of_rows, merge_known

NOON, ONE = "2026-11-22T12:00:00Z", "2026-11-22T13:00:00Z"


def delivery(*, region=None, hour=None, newest=NOON, files="2", kept="5"):
    return {"region": region, "hour": hour, "newest_delivery": newest, "files": files, "kept": kept}


def reason(first, last, *, name="no_event_time"):
    row = {"reason": name, "n": "2"}
    for end, (log_file, index, detail) in (("first", first), ("last", last)):
        row |= {f"{end}_log_file": log_file, f"{end}_record_index": index, f"{end}_detail": detail}
    return row


EMPTY = {"newest_event": None, "newest_delivery": None, "regions": {}}


def test_a_first_run_knows_what_it_found():
    newest = {"newest_event": NOON, "newest_delivery": ONE}
    known = known_of_rows([newest, delivery(region="us-east-1"), delivery(hour=NOON)])
    assert known == {"newest_event": NOON, "newest_delivery": ONE, "regions": {"us-east-1": NOON}}


def test_a_run_that_found_nothing_keeps_what_was_known():
    before = {"newest_event": NOON, "newest_delivery": ONE, "regions": {"us-east-1": ONE}}
    assert merge_known(before, known_of_rows([])) == before
    assert merge_known() == EMPTY


def test_what_is_known_is_the_same_in_whatever_order_runs_are_read():
    one = {"newest_event": ONE, "newest_delivery": ONE, "regions": {"eu-west-1": ONE, "us-east-1": NOON}}
    other = {"newest_event": NOON, "newest_delivery": NOON, "regions": {"eu-west-1": NOON, "sa-east-1": ONE}}
    assert merge_known(one, other) == merge_known(other, one)
    assert merge_known(one, other)["regions"] == {"eu-west-1": ONE, "sa-east-1": ONE, "us-east-1": NOON}


@pytest.mark.parametrize("regions", [None, "us-east-1", ["us-east-1"], {"us-east-1": 7}, {"us-east-1": None}])
def test_what_another_release_left_in_another_form_is_passed_over(regions):
    assert merge_known({"newest_event": 1790000000, "regions": regions}) == EMPTY


def test_an_earlier_releases_event_knows_its_newest_delivery_by_its_regions():
    assert merge_known({"newest_event": None, "regions": {"a": NOON, "b": ONE}})["newest_delivery"] == ONE


def test_hours_and_regions_are_numbers_and_the_oldest_hour_comes_first():
    rows = [delivery(region="us-east-1"), delivery(hour=ONE), delivery(hour=NOON, files="1", kept="0")]
    details = describe_details([], rows, [])
    assert details["hours"] == [[NOON, 1, 0], [ONE, 2, 5]]
    assert details["regions"] == {"us-east-1": [2, 5]}


def test_a_file_whose_path_names_no_region_is_in_no_region():
    assert describe_details([], [delivery(region="")], [])["regions"] == {}


def test_a_reason_has_its_first_and_its_last_place_once_when_they_are_one():
    one, other = ("a", "3", "eventTime is missing"), ("b", None, "x" * 500)
    details = describe_details([reason(one, one), reason(one, other, name="not_json")], [], [])
    place = {"log_file": "a", "record_index": 3, "detail": "eventTime is missing"}
    assert details["examples"]["no_event_time"] == [place]
    assert details["examples"]["not_json"] == [
        place,
        {"log_file": "b", "record_index": None, "detail": "x" * 300},
    ]


def test_the_rates_of_an_insight_are_numbers():
    found = {"shared_event_id": "1", "baseline": "0.5", "peak": None}
    (episode,) = describe_details([], [], [found])["episodes"]
    assert episode == {"shared_event_id": "1", "baseline": 0.5, "peak": None}

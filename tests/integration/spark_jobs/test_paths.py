"""Which log files a logs path names: accounts, regions, organizations and delivery days."""

from tests.integration.spark_jobs.conftest import event


def test_accounts_and_regions_can_be_listed_and_delivery_days_bounded(lake):
    places = {"1": "us-east-1", "2": "eu-west-1", "3": "us-east-1", "4": "eu-north-1"}
    for digit, region in places.items():
        place = {"account": digit * 12, "region": region}
        lake.put("a.json.gz", [event(f"account {digit}")], **place, day="2025/11/22")
        for day in ("2024/12/31", "2025/11/21", "2025/11/30", "2025/12/01", "2026/01/01"):
            lake.put("a.json.gz", [event(f"{digit} {day}")], **place, day=day)
    accounts = "{" + ",".join(digit * 12 for digit in "124") + "}"
    path = f"{lake.folder}/AWSLogs/{accounts}/CloudTrail/{{us-east-1,eu-west-1}}/*"

    def found():
        return sorted(row.eventID.removeprefix("id-") for row in lake.table().select("eventID").collect())

    lake.ingest(logs_path=path, **{"from": "2025-11-22", "until": "2025-12-01"})
    within = [f"{digit} {day}" for digit in "12" for day in ("2025/11/30", "2025/12/01")]
    assert found() == sorted([*within, "account 1", "account 2"])
    # Wider bounds on the same checkpoint add what was left out, once.
    lake.ingest(logs_path=path, **{"from": "2025-01-01"})
    wider = [f"{digit} {day}" for digit in "12" for day in ("2025/11/21", "2026/01/01")]
    assert found() == sorted([*within, *wider, "account 1", "account 2"])


def test_the_organization_layout_is_read_where_it_is(lake):
    lake.put("a.json.gz", [event(1)], account="o-a1b2c3d4e5/111122223333")
    lake.put("b.json.gz", [event(2)], account="111122223333")
    lake.ingest(logs_path=f"{lake.folder}/AWSLogs/o-a1b2c3d4e5/*/CloudTrail/*/*")
    (row,) = lake.table().collect()
    assert "/o-a1b2c3d4e5/111122223333/" in row.log_file

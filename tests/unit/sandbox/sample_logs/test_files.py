"""The generated log files, read back with the standard library alone."""

import gzip
import json
import re
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.sample_logs import SampleSpec, generate
from sandbox.sample_logs.spec import DAMAGED_FILES, utc

UNTIL = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
# AWSLogs/account/folder/region/Y/M/D/account_folder_region_time_random.json.gz, all parts agreeing
KEY = re.compile(
    r"AWSLogs/(\d{12})/(CloudTrail|CloudTrail-Insight)/([a-z0-9-]+)/(\d{4})/(\d{2})/(\d{2})/"
    r"\1_\2_\3_\4\5\6T(\d{4})Z_[A-Za-z0-9]{16}\.json\.gz"
)


@pytest.fixture(scope="module")
def files():
    return list(generate(SampleSpec(until=UNTIL)))


def records(file):
    return json.loads(gzip.decompress(file.body))["Records"]


@pytest.fixture(scope="module")
def events(files):
    return [r for file in files if file.kind == "events" and not file.defect for r in records(file)]


def test_the_same_spec_gives_the_same_bytes_and_another_seed_or_time_gives_others():
    spec = SampleSpec(until=UNTIL, files=30, records=200)
    first = [(file.key, file.body) for file in generate(spec)]
    assert first == [(file.key, file.body) for file in generate(spec)]
    for other in (SampleSpec(until=UNTIL, files=30, records=200, seed=8), spec.later(1, until=UNTIL)):
        assert not {key for key, _ in first} & {file.key for file in generate(other)}


def test_there_are_as_many_files_and_sound_records_as_asked_for(files):
    assert len(files) == 400
    assert sum(file.rows for file in files if file.kind == "events") == 20_000
    assert Counter(file.kind for file in files) == {"events": 388, "insights": 12}


def test_keys_have_cloudtrails_form_and_lie_between_the_first_and_the_last_delivery(files):
    assert len({file.key for file in files}) == len(files)
    moments = []
    for file in files:
        match = KEY.fullmatch(file.key)
        assert match, file.key
        assert match.group(1, 3) == (file.account, file.region)
        assert (match.group(2) == "CloudTrail-Insight") == (file.kind == "insights")
        moments.append(datetime.strptime("".join(match.group(4, 5, 6, 7)), "%Y%m%d%H%M").replace(tzinfo=UTC))
    assert max(moments) == UNTIL
    assert min(moments) >= UNTIL - timedelta(days=5, hours=1)
    assert len({moment.date() for moment in moments}) >= 5


def test_accounts_and_regions_are_spread_and_insights_are_in_one_of_them(files):
    assert len({(file.account, file.region) for file in files if file.kind == "events"}) == 6
    assert {(f.account, f.region) for f in files if f.kind == "insights"} == {("111122223333", "us-east-1")}


def test_sizes_are_skewed_from_single_records_to_thousands(files):
    sizes = sorted(file.records for file in files if file.kind == "events")
    assert sizes[len(sizes) // 2] < 30
    assert [size > 1000 for size in sizes[-4:]] == [True] * 4
    assert 1 in sizes


def test_what_a_file_says_of_itself_is_what_is_in_it(files):
    for file in files:
        assert file.event_dates.total() == file.event_names.total() == file.rows
        if file.defect:
            continue
        held = records(file)
        assert file.records == len(held)
        sound = held[: file.rows]
        assert file.event_dates == Counter(datetime.fromisoformat(r["eventTime"]).date() for r in sound)
        assert file.event_names == Counter(
            r.get("eventName") or r["insightDetails"]["eventName"] for r in sound
        )


def test_every_record_has_the_mandatory_fields_and_an_id_of_its_own(events):
    sound = [
        record for record in events if isinstance(record, dict) and record.get("eventTime", "")[:2] == "20"
    ]
    assert len(sound) == 20_000
    assert len({record["eventID"] for record in sound}) == 20_000
    mandatory = (
        "eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent "
        "requestParameters responseElements eventID readOnly eventType managementEvent recipientAccountId "
        "eventCategory"
    )
    for record in sound:
        assert [name for name in mandatory.split() if name not in record] == []
        assert (record["eventCategory"] == "Management") == record["managementEvent"]


def test_the_mix_has_every_kind_of_identity_and_of_event_that_analysts_look_for(events):
    found = Counter()
    for record in (record for record in events if isinstance(record, dict)):
        identity = record["userIdentity"]
        found[identity["type"]] += 1
        found[record["eventVersion"]] += 1
        found[record["eventType"]] += 1
        found["denied"] += record.get("errorCode") in ("AccessDenied", "Client.UnauthorizedOperation")
        found["no request"] += record["requestParameters"] is None
        found["issuer"] += "sessionIssuer" in identity.get("sessionContext", {})
        found["web identity"] += bool(identity.get("sessionContext", {}).get("webIdFederationData"))
        found["on behalf"] += "onBehalfOf" in identity
        found["tls"] += "tlsDetails" in record
        found["vpc endpoint"] += "vpcEndpointAccountId" in record
        found["service details"] += "serviceEventDetails" in record
        found["addendum"] += "addendum" in record
        if record["eventName"] == "ConsoleLogin":
            found[f"MFA {record['additionalEventData']['MFAUsed']}"] += 1
            found[record["responseElements"]["ConsoleLogin"] if record["responseElements"] else "denied"] += 1
    types = "IAMUser AssumedRole Root AWSService AWSAccount FederatedUser WebIdentityUser"
    others = (
        "1.08 1.09 1.10 1.11 AwsApiCall AwsServiceEvent AwsConsoleSignIn issuer tls addendum Success Failure"
    )
    more = ["no request", "web identity", "on behalf", "vpc endpoint", "service details", "MFA Yes", "MFA No"]
    assert [name for name in (*types.split(), *others.split(), *more) if not found[name]] == []
    assert 0.01 < found["denied"] / len(events) < 0.05


def test_global_services_log_to_us_east_1_only(events):
    elsewhere = {r["eventSource"] for r in events if isinstance(r, dict) and r["awsRegion"] != "us-east-1"}
    assert not {"iam.amazonaws.com", "signin.amazonaws.com"} & elsewhere


def test_no_event_is_later_than_its_delivery(files):
    for file in files:
        match = KEY.fullmatch(file.key)
        delivered = datetime.strptime("".join(match.group(4, 5, 6, 7)), "%Y%m%d%H%M").replace(tzinfo=UTC)
        if not file.defect:
            times = [datetime.fromisoformat(r["eventTime"]) for r in records(file)[: file.rows]]
            assert max(times) <= delivered + timedelta(minutes=1)


def test_each_insight_has_a_start_and_an_end_with_one_id(files):
    pairs = {}
    for file in files:
        if file.kind == "insights":
            for record in records(file):
                pairs.setdefault(record["sharedEventID"], []).append(record)
    assert len(pairs) >= 5
    for pair in pairs.values():
        start, end = sorted(pair, key=lambda record: record["eventTime"])
        assert (start["insightDetails"]["state"], end["insightDetails"]["state"]) == ("Start", "End")
        assert start["eventID"] != end["eventID"]
        averages = end["insightDetails"]["insightContext"]["statistics"]
        assert isinstance(averages["baseline"]["average"], float)
    errors = [r for pair in pairs.values() for r in pair if "errorCode" in r["insightDetails"]]
    assert {r["insightDetails"]["insightType"] for r in errors} == {"ApiErrorRateInsight"}


def reason_of(body):
    """The reason for a whole file, found without the product's reader."""
    unpacker = zlib.decompressobj(wbits=31)
    text = unpacker.decompress(body)
    if not unpacker.eof:
        return "truncated_gzip"
    try:
        content = json.loads(text)
    except ValueError:
        return "not_json"
    if not isinstance(content.get("Records"), list):
        return "no_records_array"
    return None if content["Records"] else "empty_records"


def test_a_handful_of_files_is_damaged_each_in_its_own_way_and_the_rest_is_sound(files):
    assert {file.key: reason_of(file.body) for file in files} == {file.key: file.defect for file in files}
    whole = Counter(file.defect for file in files if file.defect)
    assert whole == {"truncated_gzip": 1, "not_json": 1, "no_records_array": 1, "empty_records": 1}
    (cut,) = [file for file in files if file.defect == "truncated_gzip"]
    text = zlib.decompressobj(wbits=31).decompress(cut.body).decode(errors="ignore")
    # Every record names its id once; the last one may be cut after it.
    assert cut.records in (text.count('"eventID"'), text.count('"eventID"') - 1)
    assert cut.records > 0
    (mixed,) = [file for file in files if file.bad_records]
    assert sum(whole.values()) + 1 == DAMAGED_FILES
    assert mixed.bad_records == ("not_an_object", "no_event_time", "bad_event_time")
    text, without, bad = records(mixed)[-3:]
    assert isinstance(text, str)
    assert "eventTime" not in without
    with pytest.raises(ValueError, match="around noon"):
        datetime.fromisoformat(bad["eventTime"])


def test_a_later_batch_is_small_recent_and_sound():
    now = UNTIL + timedelta(hours=9)
    files = list(generate(SampleSpec(until=UNTIL).later(2, until=now)))
    assert (len(files), sum(f.rows for f in files if f.kind == "events")) == (24, 600)
    assert not [file for file in files if file.defect or file.bad_records]
    dates = {datetime.fromisoformat(r["eventTime"]) for f in files for r in records(f)}
    assert min(dates) > now - timedelta(hours=8)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"until": datetime(2026, 1, 5)}, "has no time zone"),  # noqa: DTZ001  # that is the fault
        ({"files": 10}, "files=10 is too few"),
        ({"records": 100}, "records=100 is less than files=400"),
    ],
)
def test_a_spec_that_cannot_be_generated_is_refused(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        SampleSpec(**{"until": UNTIL, **change})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-05", datetime(2026, 1, 5, 23, 59, tzinfo=UTC)),
        ("2026-01-05T10:00", datetime(2026, 1, 5, 10, 0, tzinfo=UTC)),
        ("2026-01-05T10:00+02:00", datetime(2026, 1, 5, 8, 0, tzinfo=UTC)),
    ],
)
def test_a_time_on_the_command_line_is_utc_unless_it_says_otherwise(text, moment):
    assert utc(text) == moment


def test_the_kinds_that_have_to_be_asked_for_are_there_beside_the_others_when_wanted():
    spec = SampleSpec(until=UNTIL, files=30, records=200, further_files=3)
    further = [file for file in generate(spec) if file.kind in ("network_activity", "aggregated")]
    assert Counter(file.kind for file in further) == {"network_activity": 3, "aggregated": 3}
    for file in further:
        content = json.loads(gzip.decompress(file.body))
        held = content if file.kind == "aggregated" else content["Records"]
        folder = "CloudTrail-Aggregated" if file.kind == "aggregated" else "CloudTrail-NetworkActivity"
        assert (len(held), f"/{folder}/" in file.key) == (file.rows, True)
        assert file.event_names.total() == file.event_dates.total() == file.rows

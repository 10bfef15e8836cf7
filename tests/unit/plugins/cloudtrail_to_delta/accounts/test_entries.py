"""What the entries of accounts.yaml come to, and what is said about those that are wrong."""

import pytest

from cloudtrail_to_delta.accounts import read_accounts

from .files import DEFAULTS, line_of, text

PAYMENTS = 'alias: payments\naccount: "111122223333"'


@pytest.fixture
def read(tmp_path):
    def read(*entries, **keywords):
        path = tmp_path / "accounts.yaml"
        path.write_text(text(*entries, **keywords))
        return read_accounts(path)

    return read


@pytest.fixture
def problems(read, tmp_path):
    """The problems of a file with one entry, as (line, field, text), and the file."""

    def problems(entry, **keywords):
        (account,) = read(entry, **keywords)
        written = (tmp_path / "accounts.yaml").read_text()
        return [(problem.line, problem.field, problem.text) for problem in account.problems], written

    return problems


def test_an_entry_has_the_defaults_and_its_own_fields_and_a_dag_named_after_its_alias(read):
    (account,) = read(f"{PAYMENTS}\nschedule: 15 * * * *\nowner: security\ntags: [pci]\nkinds: [events]")
    assert account.problems == ()
    assert (account.dag_id, account.name) == ("cloudtrail_ingest__payments", "payments")
    assert (account.cron, account.owner, account.tags) == ("15 * * * *", "security", ("pci",))
    assert account.kinds == ["events"]
    assert account.params["warehouse_id"] == "0a1b2c3d4e5f6a7b"
    assert account.requests["events"].logs_path == (
        "s3://example-cloudtrail-logs/AWSLogs/111122223333/CloudTrail/*/*"
    )


def test_without_an_alias_the_account_is_the_name(read):
    (account,) = read('account: "111122223333"')
    assert account.dag_id == "cloudtrail_ingest__111122223333"
    assert account.requests["events"].table == "events_111122223333"


def test_alias_and_account_stand_for_the_entrys_own_in_every_text(read):
    (account,) = read(f"{PAYMENTS}\nprefix: 'trails/{{account}}'")
    assert account.requests["events"].delta_path == "s3://example-lake/delta/payments/events_payments"
    assert account.requests["events"].log_bucket == "example-cloudtrail-logs"
    assert account.requests["events"].logs.prefix == "trails/111122223333"


def test_an_entry_with_one_account_names_it_after_its_own_fields_and_those_of_others_by_account_names(read):
    more = (
        'account_names: {"444455556666": {alias: "the {alias} sandbox"}, "111122223333": {environment: live}}'
    )
    (account,) = read(f"{PAYMENTS}\nowner: security\nenvironment: production\n{more}")
    assert account.problems == ()
    assert account.params["account_names"] == {
        "111122223333": {"alias": "payments", "owner": "security", "environment": "live"},
        "444455556666": {"alias": "the payments sandbox"},
    }


def test_an_entry_of_many_accounts_names_only_those_of_account_names(read):
    (account,) = read('alias: all\naccount: "*"\nenvironment: production')
    assert account.problems == ()
    assert "account_names" not in account.params


def test_the_owner_of_the_dag_by_default_is_nobodys_account(read):
    (account,) = read(PAYMENTS)
    assert account.params["account_names"] == {"111122223333": {"alias": "payments"}}


@pytest.mark.parametrize(
    "names",
    [
        '{"123": {alias: a}}',
        '{"444455556666": {}}',
        '{"444455556666": {team: a}}',
        "[a]",
        '{"444455556666": {alias: 5}}',
        '{"444455556666": {alias: "two\\nlines"}}',
        "{444455556666: {alias: a}}",
    ],
)
def test_names_of_accounts_that_say_nothing_usable_are_a_problem_of_their_field(problems, names):
    found, _ = problems(f"{PAYMENTS}\naccount_names: {names}")
    ((_, field, text),) = found
    assert field == "account_names"
    assert "give an object that maps 12-digit accounts, in quotes, to one or more of alias, owner" in text


def test_an_environment_of_two_lines_is_a_problem_of_its_field(problems):
    found, _ = problems(f'{PAYMENTS}\nenvironment: "a\\nb"')
    assert [(field, text) for _, field, text in found] == [
        ("environment", "'a\\nb': give 1 to 100 characters on one line.")
    ]


def test_an_entry_owns_the_places_of_the_kinds_that_it_asks_for(read):
    (account,) = read(f"{PAYMENTS}\nkinds: [events]")
    assert set(account.requests) == {"events"}


def test_a_null_in_an_entry_takes_a_default_away(problems):
    found, _ = problems(f"{PAYMENTS}\ncluster_id: null")
    assert ["give the cluster ID" in said for _, _, said in found] == [True]


def test_an_organization_trail_is_one_entry_for_all_of_its_accounts(read):
    (account,) = read('alias: everyone\norganization: o-a1b2c3d4e5\naccount: "*"')
    assert account.problems == ()
    assert account.requests["events"].logs_path == (
        "s3://example-cloudtrail-logs/AWSLogs/o-a1b2c3d4e5/*/CloudTrail/*/*"
    )


@pytest.mark.parametrize(
    ("line", "field", "said"),
    [
        ("accuont: x", "accuont", "unknown field: remove it. Did you mean 'account'?"),
        ("shedule: daily", "shedule", "Did you mean 'schedule'?"),
        ("schedule: every hour", "schedule", "'every hour': give hourly, daily, none, or five cron fields"),
        ("schedule: 61 * * * *", "schedule", "five cron fields"),
        ("tags: pci", "tags", "'pci': give a list"),
        ("owner: [a]", "owner", "1 to 100 characters"),
        ("duplicates: removed", "duplicates", "Did you mean 'remove'?"),
        ("minimum_rows: -1", "minimum_rows", "-1: give a whole number from 0 to"),
        ("num_workers: 101", "num_workers", "101: give a whole number from 0 to 100."),
        ("regions: [us-east-9]", "regions", "give a region like us-east-1"),
        ("events_table: sec.Events_{alias}", "events_table", "Did you mean 'sec.events_payments'?"),
        ("prefix: a/{acount}", "prefix", "is not a placeholder: use {alias} or {account}."),
        ("alert_topic_arn: alerts", "alert_topic_arn", "give an ARN like"),
        ("owner: !person security", "owner", "this value cannot be used"),
        ("num_workers: !!int x", "num_workers", "this value cannot be used: invalid literal for int()"),
        ("num_workers: 0b_", "num_workers", "this value cannot be used: invalid literal for int()"),
        (f"num_workers: {'1' * 5000}", "num_workers", "this value cannot be used: Exceeds the limit"),
        (f"num_workers: 0x{'f' * 5000}", "num_workers", "this value cannot be used: Exceeds the limit"),
        ("owner: !!timestamp x", "owner", "this value cannot be used"),
        ("run_timeout_minutes: 9999999999999", "run_timeout_minutes", "to 43200"),
        ("schedule: 0 0 31 4 *", "schedule", "this date does not exist, so the DAG would never run"),
        ("schedule: R R * * *", "schedule", "R is a different time whenever Airflow reads the file"),
        (
            "trigger: continuous",
            "trigger",
            "'continuous' with schedule='hourly', the default: the stream never ends",
        ),
        ("owner: a\nowner: b", "owner", "also given in line"),
    ],
)
def test_a_slip_is_told_with_its_line_its_field_and_what_to_write(problems, line, field, said):
    found, written = problems(f"{PAYMENTS}\n{line}")
    assert [(number, name) for number, name, _ in found] == [
        (line_of(written, f"    {line.splitlines()[-1]}"), field)
    ]
    assert said in found[0][2]


def test_an_account_that_is_no_text_is_told_to_be_put_in_quotes(problems):
    found, written = problems("alias: payments\naccount: 111122223333")
    assert (line_of(written, "account: 1111"), "account") == found[0][:2]
    assert "in quotes" in found[0][2]


def test_every_problem_is_told_at_once(problems):
    found, _ = problems(f"{PAYMENTS}\nduplicates: drop\nregion: mars-1\nschedule: often\ncolour: red")
    assert {field for _, field, _ in found} == {"duplicates", "region", "schedule", "colour"}


def test_a_slip_in_the_defaults_is_told_with_the_line_of_the_defaults(problems):
    found, written = problems(PAYMENTS, defaults=f"{DEFAULTS}discovery: listings")
    assert found[0][:2] == (line_of(written, "discovery:"), "discovery")


@pytest.mark.parametrize(
    "field", ["bucket", "region", "target_root", "checkpoint_root", "warehouse_id", "account"]
)
def test_what_the_contract_requires_has_to_be_in_the_file(problems, field):
    defaults = "\n".join(line for line in DEFAULTS.splitlines() if not line.startswith(f"{field}:"))
    entry = PAYMENTS if field != "account" else "alias: payments"
    found, _ = problems(entry, defaults=defaults)
    assert [(name, text) for _, name, text in found if name == field and "is missing" in text]


def test_an_entry_for_many_accounts_needs_an_alias(problems):
    found, _ = problems('account: "*"')
    assert ("alias", "give an alias, because `account` does not name a single account.") in [
        f[1:] for f in found
    ]


def test_an_entry_that_is_no_mapping_is_a_broken_entry_and_no_other(read):
    broken, sound = read("payments", 'account: "111122223333"')
    assert broken.dag_id == f"cloudtrail_ingest__line_{broken.line}"
    assert "give fields" in broken.problems[0].text
    assert sound.problems == ()


def test_a_day_needs_no_quotes(read):
    (account,) = read(f"{PAYMENTS}\nfrom: 2026-01-31")
    assert (account.problems, account.params["from"]) == ((), "2026-01-31")


def test_a_stream_that_never_ends_is_for_an_entry_that_is_triggered_by_hand(problems):
    found, _ = problems(f"{PAYMENTS}\ntrigger: continuous\nschedule: none")
    assert found == []
    (refused,), _ = problems(f"{PAYMENTS}\ntrigger: continuous\nschedule: daily")
    assert "with schedule='daily'" in refused[2]
    assert "give `schedule: none` and trigger the DAG once, or `trigger: available_now`." in refused[2]


@pytest.mark.parametrize("field", ["schedule", "owner", "tags", "share_run", "kinds", "setup"])
def test_null_takes_a_default_away(problems, field):
    found, _ = problems(f"{PAYMENTS}\n{field}: null", defaults=f"{DEFAULTS}{field}: x")
    assert found == []

"""Two entries may not have the same DAG, table, folder or checkpoint; the first of them goes on."""

import pytest

from cloudtrail_to_delta.accounts import read_accounts

from .files import DEFAULTS, text

ONE, TWO = 'alias: one\naccount: "111122223333"', 'alias: two\naccount: "444455556666"'


@pytest.fixture
def read(tmp_path):
    def read(*entries, **keywords):
        path = tmp_path / "accounts.yaml"
        path.write_text(text(*entries, **keywords))
        return read_accounts(path)

    return read


def test_accounts_that_share_nothing_are_all_sound(read):
    assert [account.problems for account in read(ONE, TWO)] == [(), ()]


@pytest.mark.parametrize(
    ("first", "second", "field", "said"),
    [
        (
            "",
            "events_table: events_one",
            "events_table",
            "the events table 'events_one' is already the events table of",
        ),
        (
            "",
            "insights_table: events_one_files",
            "insights_table",
            "is already the events view files of 'one'",
        ),
        ("", "insights_table: events_one_quarantine", "insights_table", "the events quarantine of 'one'"),
        (
            "events_checkpoint_path: s3://example-lake/cp",
            "events_checkpoint_path: s3://example-lake/cp",
            "events_checkpoint_path",
            "shares a folder with the events checkpoint of 'one'",
        ),
        (
            "events_delta_path: s3://example-lake/deep/er/delta",
            "events_delta_path: s3://example-lake/deep",
            "events_delta_path",
            "shares a folder with the events table of 'one'",
        ),
        (
            "",
            "events_delta_path: s3://example-lake/delta/one/events_one/inside",
            "events_delta_path",
            "shares a folder with the events table of 'one'",
        ),
        (
            "",
            "bucket: other-logs\nevents_delta_path: s3://example-cloudtrail-logs/AWSLogs/delta",
            "events_delta_path",
            "shares a folder with the logs of 'one'",
        ),
        (
            "events_delta_path: s3://example-lake/AWSLogs/delta",
            "bucket: example-lake",
            "events_logs_path",
            "share a folder with the events table of 'one'",
        ),
    ],
)
def test_what_two_entries_share_disables_the_second_and_names_the_first(read, first, second, field, said):
    one, two = read(f"{ONE}\n{first}", f"{TWO}\n{second}")
    assert one.problems == ()
    assert two.dag_id == "cloudtrail_ingest__two"
    found = [(problem.field, problem.text) for problem in two.problems]
    assert [text for name, text in found if name == field and said in text and f"line {one.line}" in text]


def test_a_forgotten_placeholder_is_told_once_for_each_kind_and_use(read):
    _, two = read(ONE, TWO, defaults=DEFAULTS.replace("events_{alias}", "events"))
    assert {problem.field for problem in two.problems} == {"events_table"}


def test_two_entries_of_one_name_keep_the_first_and_show_the_second_by_its_line(read):
    one, other = read(ONE, TWO.replace("two", "one"))
    assert one.problems == ()
    assert other.dag_id == f"cloudtrail_ingest__line_{other.line}"
    assert f"already the name of the entry in line {one.line}" in other.problems[-1].text


def test_two_entries_without_alias_for_one_account_are_two_of_one_name(read):
    one, other = read('account: "111122223333"', 'account: "111122223333"')
    assert (bool(one.problems), bool(other.problems)) == (False, True)


def test_a_table_may_have_one_name_in_two_workspaces(read):
    one, two = read(ONE, f"{TWO}\nevents_table: events_one\ndatabricks_conn_id: databricks_two")
    assert (one.problems, two.problems) == ((), ())


def test_kinds_that_nobody_asks_for_conflict_with_nothing(read):
    names = "\n".join(
        line for line in DEFAULTS.splitlines() if not line.startswith(("network", "aggregated", "digests"))
    )
    assert [account.problems for account in read(ONE, TWO, defaults=names)] == [(), ()]
    asked = "kinds: [events, network_activity]"
    one, two = read(f"{ONE}\n{asked}", f"{TWO}\n{asked}", defaults=names)
    assert (one.problems, {problem.field for problem in two.problems}) == ((), {"network_activity_table"})


def test_two_entries_may_read_the_same_logs(read):
    one, two = read(ONE, TWO.replace("444455556666", "111122223333"))
    assert (one.problems, two.problems) == ((), ())

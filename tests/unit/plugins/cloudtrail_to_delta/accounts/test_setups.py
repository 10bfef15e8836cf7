"""What the block `setup` of an entry comes to, and what is said about one that is wrong."""

import pytest

from cloudtrail_to_delta.accounts import read_accounts, read_setups
from cloudtrail_to_delta.setup.request import resolve_setup

from .files import DEFAULTS, line_of, text

PAYMENTS = 'alias: pay_ments\naccount: "111122223333"'
ROLE = "arn:aws:iam::123456789012:role/reader"
ACCOUNTS = 'setup:\n  accounts: {"111122223333": aws_payments, "123456789012": aws_logs}'
# One default for all: each account's own connection, and those of the bucket and the reader role.
SHARED = 'setup:\n  accounts: {"123456789012": aws_logs, "{account}": "aws_{alias}"}\n  versioning: false'


@pytest.fixture
def read(tmp_path):
    def read(*entries, **keywords):
        path = tmp_path / "accounts.yaml"
        path.write_text(text(*entries, **keywords))
        return read_setups(path)

    return read


@pytest.fixture
def problems(read, tmp_path):
    """The problems of a file with one entry, as (line, field, text), and the file."""

    def problems(entry, **keywords):
        (setup,) = read(entry, **keywords)
        written = (tmp_path / "accounts.yaml").read_text()
        # A slip of the block's is none of the ingest's.
        (account,) = read_accounts(tmp_path / "accounts.yaml")
        return [(one.line, one.field, one.text) for one in setup.problems], written, account.problems

    return problems


def test_an_entry_without_a_block_has_no_set_up(read):
    assert read(PAYMENTS) == []
    assert read(f"{PAYMENTS}\nsetup: null", defaults=DEFAULTS + SHARED) == []


def test_a_set_up_has_what_the_entry_says_and_its_own_fields(read):
    (setup,) = read(f"{PAYMENTS}\n{ACCOUNTS}\n  kms_key: new\nowner: security\ntags: [pci]")
    assert setup.problems == ()
    assert (setup.dag_id, setup.name) == ("cloudtrail_setup__pay_ments", "pay_ments")
    assert (setup.owner, setup.tags) == ("security", ("pci",))
    request = resolve_setup(setup.params)
    assert request.name == "payments"
    assert (request.bucket, request.kms_key) == ("example-cloudtrail-logs", "new")
    assert request.target_root == "s3://example-lake/delta/pay_ments"
    assert request.account == "111122223333"


def test_one_block_in_the_defaults_serves_every_account(read):
    first, second = read(
        PAYMENTS,
        'alias: orders\naccount: "444455556666"\nsetup:\n  versioning: true',
        defaults=DEFAULTS + SHARED,
    )
    assert (first.problems, second.problems) == ((), ())
    assert first.params["accounts"] == {"123456789012": "aws_logs", "111122223333": "aws_pay_ments"}
    assert second.params["accounts"] == {"123456789012": "aws_logs", "444455556666": "aws_orders"}
    assert (first.params["versioning"], second.params["versioning"]) == (False, True)


def test_the_reader_role_is_the_one_that_the_ingest_reads_with(read):
    (setup,) = read(f"{PAYMENTS}\nreader_role_arn: {ROLE}\n{ACCOUNTS}")
    assert resolve_setup(setup.params).reader_role_arn == ROLE


@pytest.mark.parametrize(
    ("compute", "made"),
    [
        ("compute: existing_cluster\ncluster_id: abc", "existing_cluster"),
        ("compute: new_cluster\ncluster_id: null\nnode_type_id: m6id.large", "none"),
    ],
)
def test_no_cluster_is_made_that_the_ingest_would_not_run_on(read, compute, made):
    (setup,) = read(f"{PAYMENTS}\n{compute}\n{ACCOUNTS}")
    assert setup.params["databricks_compute"] == made
    (setup,) = read(f"{PAYMENTS}\n{compute}\n{ACCOUNTS}\n  databricks_compute: cluster_policy")
    assert setup.params["databricks_compute"] == "cluster_policy"


@pytest.mark.parametrize(
    ("more", "ingest", "setup"),
    [
        ("", "file_events", "file_events"),
        ("  discovery: notifications\n", "notifications", "notifications"),
        ("discovery: listing\n", "listing", "listing"),
        ("  actions: [bucket, role, trail]\n", "listing", "file_events"),
        ("  discovery: by magic\n", "file_events", None),
        ("  actions: 5\n", "file_events", None),
    ],
)
def test_the_ingest_finds_files_as_its_set_up_provides_unless_the_entry_says_otherwise(
    read, tmp_path, more, ingest, setup
):
    (made,) = read(f"{PAYMENTS}\n{ACCOUNTS}\n{more}")
    (account,) = read_accounts(tmp_path / "accounts.yaml")
    assert account.problems == ()
    assert account.params.get("discovery", "listing") == ingest
    assert (None if made.problems else resolve_setup(made.params).discovery) == setup


def test_null_in_the_block_takes_away_what_the_entry_has(read, problems):
    role = "deployment_role_arn: arn:aws:iam::999988887777:role/databricks"
    ((_, field, said),), _, of_ingest = problems(f"{PAYMENTS}\n{role}\n{ACCOUNTS}")
    assert (field, "add it to accounts, or leave the role empty" in said) == ("setup.accounts", True)
    assert of_ingest == ()
    (setup,) = read(f"{PAYMENTS}\n{role}\n{ACCOUNTS}\n  deployment_role_arn: null")
    assert setup.problems == ()


@pytest.mark.parametrize(
    ("block", "field", "said", "found"),
    [
        ("kms_key: old", "setup.kms_key", "give 'new' to create a key", "kms_key: old"),
        ("kms_kye: new", "setup.kms_kye", "unknown param 'kms_kye'", "kms_kye"),
        ("max_workers: 101\n  min_workers: 1", "setup.max_workers", "to 100.", "max_workers"),
        ("bucket: '{bukket}'", "setup.bucket", "{bukket} in '{bukket}' is not a placeholder", "bukket"),
        (
            "versioning: true\n  versioning: false",
            "setup.versioning",
            "also given in line",
            "versioning: false",
        ),
        (
            "insights: [ApiCallRateInsight]\n  management_events: read",
            "setup.insights",
            "Insights analyze",
            "insights: [",
        ),
        ("reader_role: other", "setup.reader_role", "give both the same role", "reader_role: other"),
    ],
)
def test_a_slip_is_told_by_file_line_and_field_and_disables_only_the_set_up(
    problems, block, field, said, found
):
    found_problems, written, of_ingest = problems(
        f"{PAYMENTS}\nreader_role_arn: {ROLE}\n{ACCOUNTS}\n  {block}"
    )
    ((line, where, text_),) = found_problems
    assert (line, where) == (line_of(written, found), field)
    assert said in text_
    assert of_ingest == ()


def test_what_the_block_lacks_is_told_where_it_begins(problems):
    ((line, field, said),), written, _ = problems(f"{PAYMENTS}\nsetup: {{}}")
    assert (line, field) == (line_of(written, "setup:"), "setup.accounts")
    assert "is missing" in said


def test_a_block_that_is_no_mapping_is_a_disabled_set_up(problems):
    found, written, of_ingest = problems(f"{PAYMENTS}\nsetup: yes please")
    line, _, said = next(one for one in found if one[1] == "setup")
    assert line == line_of(written, "setup:")
    assert "'yes please': give fields of the set-up's form" in said
    assert of_ingest == ()


def test_what_the_entry_says_wrongly_is_told_where_the_entry_says_it(problems):
    found, written, of_ingest = problems(f"{PAYMENTS}\nregion: mars\n{ACCOUNTS}")
    assert [(line, field) for line, field, _ in found] == [(line_of(written, "region: mars"), "region")]
    assert of_ingest


def test_a_slip_in_an_ingests_own_field_leaves_the_set_up_alone(problems):
    found, _, of_ingest = problems(f"{PAYMENTS}\nduplicates: drop\n{ACCOUNTS}")
    assert found == []
    assert of_ingest


def test_a_set_up_without_a_name_is_disabled(problems):
    found, _, _ = problems(f'account: "*"\n{ACCOUNTS}')
    assert [(field, text) for _, field, text in found] == [
        ("alias", "give an alias: it names the DAG and the set-up.")
    ]


def test_of_two_set_ups_of_one_name_the_later_one_is_disabled(read):
    first, second = read(PAYMENTS, 'alias: payments\naccount: "111122223333"', defaults=DEFAULTS + SHARED)
    assert first.problems == ()
    assert "'payments' is already the set-up of 'pay_ments'" in str(second.problems[0])
    first, second = read(PAYMENTS, PAYMENTS, defaults=DEFAULTS + SHARED)
    assert first.problems == ()
    assert second.dag_id == f"cloudtrail_setup__line_{second.line}"
    assert "give another alias" in str(second.problems[0])


@pytest.mark.parametrize(
    ("accounts", "field", "said"),
    [
        (
            '{"111122223333": aws_one, "{account}": aws_two, "123456789012": aws_logs}',
            "setup.accounts",
            "'111122223333' and '{account}' both become '111122223333': keep one of them.",
        ),
        (
            '{"111122223333": aws_one, "111122223333": aws_two, "123456789012": aws_logs}',
            "setup.accounts.111122223333",
            "also given in line 20: keep one of them.",
        ),
    ],
)
def test_an_account_that_is_given_twice_is_told_with_both_and_none_of_them_wins(
    problems, accounts, field, said
):
    found, _, of_ingest = problems(f"{PAYMENTS}\nsetup:\n  accounts: {accounts}")
    assert [(name, text) for _, name, text in found] == [(field, said)]
    assert of_ingest == ()


def test_a_compute_that_is_no_word_is_the_entrys_own_problem(read, problems):
    legacy = "  reader: instance_profile\n  discovery: listing"
    found, _, of_ingest = problems(f"{PAYMENTS}\ncompute: [x]\n{ACCOUNTS}\n{legacy}")
    assert found == []
    assert [problem.field for problem in of_ingest] == ["compute"]


def test_a_name_that_is_taken_away_is_the_contracts_and_shared_by_no_other(read):
    block = f"{ACCOUNTS}\n  name: null"
    first, second = read(f"{PAYMENTS}\n{block}", f"{PAYMENTS.replace('pay_ments', 'two')}\n{block}")
    assert (first.tag, first.problems) == ("cloudtrail", ())
    assert "'cloudtrail' is already the set-up of 'pay_ments'" in str(second.problems[0])

"""Whatever accounts.yaml holds: it is read and checked to its end, and a sound entry is built."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout, suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cloudtrail_to_delta.accounts import AccountsFileError, check, read_accounts, read_setups, setup_dags
from cloudtrail_to_delta.accounts.dags import dag_params, dag_schedule, dag_settings
from cloudtrail_to_delta.accounts.settings import SETTINGS, SETUP
from cloudtrail_to_delta.dags.ingest import build_dag as build_ingest
from cloudtrail_to_delta.dags.setup import build_dag as build_setup
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.setup import SETUP_PARAMS

from .files import DEFAULTS, text

SOUND = (
    'alias: sound\naccount: "222233334444"\nsetup: {accounts: {"{account}": aws_a, "123456789012": aws_b}}'
)
# Texts as a person, or a careless program, writes values in YAML.
WRITTEN = (
    *("null", "~", "", "!!int x", "0b_", "1" * 5000, f"0x{'f' * 5000}", "!!float x", "!!bool x", "!!null x"),
    *("!!timestamp x", "!!timestamp 2026-01-31", "2026-01-31", "!!binary x", "!!set {a, b}", "!!omap [a: b]"),
    *("!!python/name:os.system", "!person x", "!!str [a]", "!!map x", "&a [*a]", "{[a]: b}", "{{a: b}: c}"),
    *("{1: a}", "{a: 1, a: 2}", "[null]", "[[x]]", "{a: {b: [c]}}", "1e400", ".inf", ".nan", "-0", "0o7"),
    *("'{alias}'", "'{account}'", "'{x}'", "'{'", "'*'", "s3://a/b", "'111122223333'", "111122223333"),
    *("0 0 31 4 *", "R R * * *", "H H * * *", "* * * * *", "@hourly", "0 0 * * 8", "9999999999999", "-1"),
    *(
        "true",
        "yes",
        "continuous",
        "none",
        "hourly",
        "new_cluster",
        "[events]",
        "[insights, insights]",
        "|\n x",
    ),
    *("arn:aws:iam::123456789012:role/x", "9999-12-31", "0001-01-01", "'\\x00'", '"\\u2028"', "<<", "="),
)
fields = st.sampled_from([*SETTINGS, *PARAMS, SETUP]) | st.sampled_from(
    ["~", "1", "x", "<<", "[a]", "{}", "? a"]
)
of_setup = st.sampled_from([*SETUP_PARAMS]) | st.sampled_from(["~", "1", "x"])
values = st.sampled_from(WRITTEN) | st.integers().map(str) | st.floats().map(str)
blocks = st.lists(st.tuples(of_setup, values), max_size=4).map(
    lambda pairs: "{" + ", ".join(f"{name}: {value}" for name, value in pairs) + "}"
)
entries = st.lists(st.tuples(fields, values) | st.tuples(st.just(SETUP), blocks), max_size=5).map(
    lambda pairs: "\n".join(f"{name}: {value}" for name, value in pairs) or "{}"
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("any") / "accounts.yaml"


def built(path):
    """The accounts and set-ups of the file by DAG id, each with a DAG that Airflow can keep."""
    accounts, setups = read_accounts(path), read_setups(path)
    for account in accounts:
        # What a DAG is made of; to make each DAG takes a hundred times as long.
        params = dag_params(account)
        json.dumps({name: param.resolve() for name, param in params.items()})
        dag_schedule(account)
        assert dag_settings(account, lambda: "page")["doc_md"]
        assert bool(account.problems) != bool(account.requests)
    for setup in setups:
        json.dumps({name: param.value for name, param in setup_dags.dag_params(setup).items()})
        assert setup_dags.dag_settings(setup, lambda: "page")["doc_md"]
    names = [entry.dag_id for entry in (*accounts, *setups)]
    assert len(names) == len(set(names))
    return {entry.dag_id: entry for entry in (*accounts, *setups)}


def checked(path):
    """The exit code of `make check-accounts`."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return check.check(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(broken=entries, first=st.booleans())
@example(broken="run_timeout_minutes: 9999999999999", first=True)
@example(broken="compute: [x]\nsetup: {}", first=True)
@example(broken='setup: {accounts: {1: a}}\naccount: "111122223333"', first=True)
def test_a_sound_entry_beside_any_other_is_built(path, broken, first):
    path.write_text(text(*((broken, SOUND) if first else (SOUND, broken))))
    try:
        found = built(path)
    except AccountsFileError:
        # Text that is no YAML, such as a tag that nobody has declared: of the whole file.
        assert checked(path) == 1
        return
    sound = [name for name in found if name.endswith("__sound")]
    assert sound == ["cloudtrail_ingest__sound", "cloudtrail_setup__sound"]
    assert [found[name].problems for name in sound] == [(), ()]
    assert checked(path) == int(any(entry.problems for entry in found.values()))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(defaults=entries)
@example(defaults="setup: {name: null}")
def test_any_defaults_leave_accounts_and_problems(path, defaults):
    path.write_text(text(SOUND, defaults=f"{DEFAULTS}{defaults}"))
    with suppress(AccountsFileError):
        built(path)
    assert checked(path) in (0, 1)


@settings(max_examples=200, deadline=None)
@given(
    written=st.text(max_size=40)
    | st.text(alphabet="ad:-{}[]&*!|>~#'\"\n ,?<=x01", max_size=40)
    | st.builds("defaults: {}\naccounts: {}".format, values, values | blocks)
)
@example(written="~")
@example(written="null")
@example(written="accounts: null")
@example(written="accounts: ~\ndefaults: ~")
@example(written="[" * 500 + "]" * 500)
@example(written="? [a]\n: b")
def test_any_text_is_read_or_refused(path, written):
    path.write_text(written, newline="")
    with suppress(AccountsFileError):
        built(path)
    assert checked(path) in (0, 1)


@settings(max_examples=15, deadline=None)
@given(entry=entries)
@example(entry='alias: payments\naccount: "111122223333"\ntrigger: continuous\nschedule: none')
@example(entry='alias: payments\naccount: "111122223333"\nkinds: [insights]\nrun_timeout_minutes: 43200')
def test_every_entry_that_the_check_accepts_is_a_dag(path, entry):
    path.write_text(text(entry, SOUND))
    try:
        accounts, setups = read_accounts(path), read_setups(path)
    except AccountsFileError:
        return
    for account in accounts:
        assert build_ingest(account.dag_id, account).has_task("disabled") == bool(account.problems)
    for setup in setups:
        assert build_setup(setup.dag_id, setup).has_task("disabled") == bool(setup.problems)

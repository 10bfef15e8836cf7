"""Whatever an entry holds, it comes to an account, sound or disabled, whose DAG can be built."""

import json

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudtrail_to_delta.accounts.dags import dag_params, dag_schedule, dag_settings
from cloudtrail_to_delta.accounts.entries import read_entry
from cloudtrail_to_delta.accounts.settings import SETTINGS
from cloudtrail_to_delta.accounts.source import read_source
from cloudtrail_to_delta.params.ingest import PARAMS

from .files import DEFAULTS

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary(max_size=5)
    | st.dates()
    | st.text(max_size=12)
    | st.sampled_from(
        ["{alias}", "{x}", "*", "s3://a/b", "111122223333", "0 0 * * *", "arn:aws:iam::1:role/x"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
fields = st.sampled_from([*SETTINGS, *PARAMS]) | st.text(max_size=6)


@settings(max_examples=150, deadline=None)
@given(entry=st.dictionaries(fields, values, max_size=6))
def test_any_entry_is_an_account_with_a_dag(tmp_path_factory, entry):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    written = {"defaults": yaml.safe_load(DEFAULTS), "accounts": [{"account": "111122223333"} | entry]}
    path.write_text(yaml.safe_dump(written))
    source = read_source(path, name="any.yaml")
    account = read_entry(source, source.entries[0])
    assert account.dag_id.startswith("cloudtrail_ingest__")
    json.dumps({name: param.value for name, param in dag_params(account).items()})
    for param in dag_params(account).values():
        param.resolve()
    dag_schedule(account)
    assert dag_settings(account, lambda: "page")["doc_md"]
    assert bool(account.problems) != bool(account.requests)

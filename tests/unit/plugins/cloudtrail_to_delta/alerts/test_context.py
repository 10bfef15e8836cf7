"""What alerts take from a task's context: whose DAG it is, and which runs of it are alike."""

from types import SimpleNamespace

import pytest
from airflow.dag_processing.dagbag import DagBag

from cloudtrail_to_delta.alerts.context import alias_of, own_params, scope_of

ENTRY = """
accounts:
  - alias: payments
    account: "111122223333"
    bucket: logs
    region: us-east-1
    target_root: s3://lake/delta
    checkpoint_root: s3://lake/checkpoints
    events_table: main.security.payments
    warehouse_id: w
    compute: existing_cluster
    cluster_id: c
    reader_role_arn: arn:aws:iam::111122223333:role/reader
"""


@pytest.fixture(scope="module")
def dags(tmp_path_factory):
    """The DAGs of the form, of a set-up, and of an entry."""
    file = tmp_path_factory.mktemp("accounts") / "accounts.yaml"
    file.write_text(ENTRY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOUDTRAIL_ACCOUNTS_FILE", str(file))
        return DagBag(dag_folder="dags").dags


def scope(dag, **changed):
    """The scope of a run of this DAG, with some params changed."""
    own = own_params({"dag": dag})
    return scope_of(own | changed, own)


def test_a_run_with_an_entrys_own_values_is_like_every_other_whatever_else_is_changed(dags):
    dag = dags["cloudtrail_ingest__payments"]
    assert own_params({"dag": dag})["events_table"] == "main.security.payments"
    assert scope(dag) == scope(dag, bucket="other", account="444455556666", kinds=["events"]) == ""


def test_a_run_of_another_table_has_a_scope_of_its_own(dags):
    dag = dags["cloudtrail_ingest"]
    one, other = scope(dag, events_table="a"), scope(dag, events_table="b")
    assert "" != one != other != ""
    assert one == scope(dag, events_table="a", bucket="other")


def test_each_set_up_by_the_form_has_a_scope_of_its_own(dags):
    dag = dags["cloudtrail_setup"]
    assert "" != scope(dag, name="one") != scope(dag, name="other")


def test_the_digest_has_one_scope(dags):
    assert scope(dags["cloudtrail_digest"], warehouse_id="another") == ""


def test_without_its_dag_a_run_is_known_by_its_tables():
    assert scope_of({"events_table": "a"}, own_params({"ti": SimpleNamespace()})) == "a"


@pytest.mark.parametrize(
    ("dag_id", "alias"),
    [
        ("cloudtrail_ingest__payments", "payments"),
        ("cloudtrail_setup__payments", "payments"),
        ("cloudtrail_ingest", ""),
        ("cloudtrail_digest", ""),
    ],
)
def test_the_alias_of_an_entry_is_in_its_dags_id(dag_id, alias):
    assert alias_of(dag_id) == alias


def test_the_last_tasks_of_the_digest_and_the_set_up_end_what_was_told(dags):
    digest = dags["cloudtrail_digest"].get_task("digest")
    report = dags["cloudtrail_setup"].get_task("report")
    for callback in (*digest.on_success_callback, *digest.on_skipped_callback, *report.on_success_callback):
        assert type(callback).__name__ == "RecoveryNotifier"
    assert digest.on_success_callback
    assert digest.on_skipped_callback
    assert report.on_success_callback

"""One cause is one finding: consequences, rights that one policy lacks, the same words twice."""

import json

from cloudtrail_to_delta.iam.reader import merge_statements, required_access
from cloudtrail_to_delta.params.ingest import ingest_params
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.folding import fold
from cloudtrail_to_delta.preflight.simulation import decide_access
from cloudtrail_to_delta.preflight.simulator import Decision
from cloudtrail_to_delta.preflight.tables import decide_unanswered
from cloudtrail_to_delta.preflight.workspace import decide_refusal, remedy_of_answer

ROLE = "arn:aws:iam::111122223333:role/reader"
GONE = "The warehouse abc does not exist. Status Code: 404"
DENIED = Decision(verdict="implicitDeny")


def needed():
    """What the reader role needs for a sound request."""
    params = {name: param.value for name, param in ingest_params().items()}
    return required_access(resolve_requests(params), code_root="s3://cloudtrail-lake/code")


def refused(accesses, decision=DENIED, role=ROLE):
    return [decide_access(access, decision, role=role) for access in accesses]


def granted(statements):
    """Every action on every resource that these statements grant, with its condition."""
    return {
        (action, resource, prefix)
        for statement in statements
        for action in statement["Action"]
        for resource in statement["Resource"]
        for prefix in statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", [""])
    }


def test_a_warehouse_that_is_not_there_is_one_failure_and_it_is_the_warehouse():
    names = [f"table_{number}" for number in range(9)]
    remedy = remedy_of_answer(GONE)
    findings = fold(
        [
            decide_unanswered(names, GONE, warehouse="abc", remedy=remedy),
            decide_refusal("warehouse abc", GONE, "warehouse_id"),
        ]
    )
    assert [(one.status, one.subject) for one in findings] == [
        ("skipped", ", ".join(names)),
        ("failed", "warehouse abc"),
    ]
    assert findings[0].detail == "not checked: the check of warehouse abc failed"
    assert findings[1].remedy.startswith("Trigger the DAG again with the correct warehouse_id")


def test_a_statement_that_was_refused_for_a_reason_of_its_own_says_nothing_of_the_warehouse():
    words = "PERMISSION_DENIED User does not have USE CATALOG on Catalog 'main', which does not exist for it"
    assert remedy_of_answer(words) == "Fix the cause named in the error, then clear this task."
    assert "the correct warehouse_id" in remedy_of_answer(GONE)


def test_a_workspace_without_the_legacy_metastore_says_where_tables_can_be():
    words = "[UC_HIVE_METASTORE_DISABLED_EXCEPTION] The operation attempted to use Hive Metastore"
    assert "name the tables in Unity Catalog" in remedy_of_answer(words)


def test_names_that_a_sound_warehouse_does_not_answer_for_stay_failed():
    (finding,) = fold([decide_unanswered(["a"], "no right", warehouse="abc", remedy="Grant it.")])
    assert (finding.status, finding.remedy) == ("failed", "Grant it.")


def test_the_rights_of_a_removed_statement_are_one_finding_with_one_statement():
    removed = [access for access in needed() if access.statement == "WriteTables"]
    (finding,) = fold(refused(removed))
    assert finding.subject == f"{len(removed)} permissions in the policy of {ROLE}"
    assert all(access.resource_arn in finding.detail for access in removed)
    added, _, statement = finding.remedy.partition(": ")
    assert added == f"Add to the policy of {ROLE}"
    assert granted([json.loads(statement)]) == {(one.action, one.resource_arn, "") for one in removed}


def test_all_rights_at_once_are_one_policy_that_grants_exactly_them():
    (finding,) = fold(refused(needed()))
    policy = json.loads(finding.remedy.partition(": ")[2])
    assert policy["Version"] == "2012-10-17"
    expected = granted(one.missing.statement for one in refused(needed()))
    wide = {(action, resource) for action, resource, prefix in expected if not prefix}
    assert granted(policy["Statement"]) == expected
    assert len(policy["Statement"]) < len(needed()) / 2
    assert all((a, r) in wide or prefix for a, r, prefix in granted(policy["Statement"]))


def test_rights_that_other_policies_lack_stay_apart_with_the_principal_that_they_are_for():
    reads = [access for access in needed() if access.action == "s3:GetObject"]
    of_a_bucket = Decision(verdict="implicitDeny", resource_denies=True)
    found = fold(refused(reads) + refused(reads, of_a_bucket))
    own, *others = [finding.remedy.partition(": {") for finding in found]
    assert own[0] == f"Add to the policy of {ROLE}"
    assert {added for added, *_ in others} == {
        "Add to the policy of arn:aws:s3:::cloudtrail-logs",
        "Add to the policy of arn:aws:s3:::cloudtrail-lake",
    }
    for _, _, text in others:
        statement = json.loads("{" + text)
        parts = statement.get("Statement", [statement])
        assert all(part["Principal"] == {"AWS": ROLE} for part in parts)


def test_the_rights_that_one_statement_denies_are_one_finding():
    denied = Decision(verdict="explicitDeny", statements=("guard, lines 2 to 6",))
    (finding,) = fold(refused(needed(), denied))
    assert finding.subject == f"{len(needed())} permissions in guard, lines 2 to 6"
    assert finding.remedy == "Narrow or remove that Deny statement: no Allow overrides it."


def test_one_right_alone_stays_as_it_is():
    findings = refused(needed()[:1])
    assert fold(findings) == findings


def test_a_listing_limited_to_a_prefix_is_not_widened_by_one_that_is_not():
    limited = {"Condition": {"StringLike": {"s3:prefix": ["a/*"]}}}
    listing = {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::b"]}
    merged = merge_statements(
        [listing | limited, listing | limited, listing | {"Resource": ["arn:aws:s3:::c"]}]
    )
    assert merged == [listing | limited, listing | {"Resource": ["arn:aws:s3:::c"]}]


def test_the_same_words_about_several_subjects_are_one_finding():
    words = "Invalid token. Status Code: 403"
    found = fold([decide_refusal(subject, words) for subject in ("warehouse w", "active runs")])
    assert [finding.subject for finding in found] == ["warehouse w, active runs"]


def test_findings_without_a_remedy_stay_one_each():
    findings = [Finding(check="c", subject=s, status="ok", detail="there") for s in "ab"]
    assert fold(findings) == findings


def test_what_a_page_gets_of_a_finding_is_what_a_person_reads():
    (finding,) = refused(needed()[:1])
    read = {"check", "subject", "status", "detail", "remedy"}
    assert set(finding.to_dict()) == read | {"record_version"}

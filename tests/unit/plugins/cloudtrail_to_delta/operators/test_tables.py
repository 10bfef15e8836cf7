"""Two kinds' tasks make their tables at the same time: the view of both is made by the one that asks last."""

import pytest

from cloudtrail_to_delta.operators.tables import CreateTablesOperator
from cloudtrail_to_delta.operators.upkeep import resolve
from tests.unit.plugins.cloudtrail_to_delta.operators.test_upkeep import UNKNOWN, form

REQUESTS = resolve(form(kinds=["events", "digests"]))[0]
PATHS = {name: path for request in REQUESTS.values() for name, path in request.tables.items()}


def statements(kind, *, free_at_first, exist):
    """What a task sends if these names were free when it began, and these tables exist when it asks."""
    operator = CreateTablesOperator(
        task_id="create_tables",
        kind=kind,
        requests={kind: request.to_dict() for kind, request in REQUESTS.items()},
    )
    facts = {"requests": operator.requests, "shown": dict.fromkeys(free_at_first), "behind": []}
    sent, results = [], []
    while (statement := operator.next_statement(facts, results)) is not None:
        sent.append(statement)
        name = next((name for name in exist if f"DETAIL `{name}`" in statement), None)
        if statement.startswith("CREATE"):
            results.append({"rows": []})
        else:
            results.append({"rows": [{"location": PATHS[name]}]} if name else UNKNOWN)
    return sent


@pytest.mark.parametrize(("kind", "other"), [("events", "digests"), ("digests", "events")])
def test_a_table_that_another_task_has_made_meanwhile_gets_the_view_of_both(kind, other):
    own, all_tables = REQUESTS[kind].tables, set(PATHS)
    proof = "CREATE OR REPLACE VIEW `cloudtrail_events_proof`"
    together = statements(kind, free_at_first=all_tables, exist=all_tables)
    assert [one for one in together if one.startswith(proof)]
    alone = statements(kind, free_at_first=all_tables, exist=set(own))
    assert [one for one in alone if one.startswith(proof)] == []
    assert any("DETAIL" in one and f"`cloudtrail_{other}" in one for one in alone)

"""Policy documents: where a statement stands, and what makes a document useless."""

import json

import pytest

from sandbox.aws.simulator.documents import Position, parse
from sandbox.aws.simulator.errors import InvalidInputError

STATEMENT = '{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}'


def positions(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    document = parse(text, source_id="p", source_type="IAM Policy")
    return [((s.start.line, s.start.column), (s.end.line, s.end.column)) for s in document.statements]


def test_positions_are_those_of_published_responses_for_compact_and_indented_policies():
    # The AWS CLI's documentation of simulate-custom-policy, example 1: 1:38 to 1:167.
    since = '{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}'
    single = f'{{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{since}}}'
    assert positions(f'{{"Version":"2012-10-17","Statement":{single}}}') == [((1, 38), (1, 167))]
    # A list begins there too; the next statement begins where the first one ends.
    double = '{"Version":"2012-10-17","Statement":[' + STATEMENT + "," + STATEMENT + "]}"
    (first_start, first_end), (second_start, _) = positions(double)
    assert first_start == (1, 38)
    assert second_start == first_end == (1, 38 + len(STATEMENT))
    # The managed policy AdministratorAccess, as AWS writes it: 3:17 to 8:6.
    admin = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
        indent=2,
    )
    assert positions(admin) == [((3, 17), (8, 6))]


def test_the_text_between_the_positions_is_the_statement():
    text = json.dumps(
        {"Id": "x", "Statement": [json.loads(STATEMENT)] * 3, "Version": "2012-10-17"}, indent=4
    )
    lines = text.split("\n")

    def offset(position: Position) -> int:
        return sum(len(line) + 1 for line in lines[: position.line - 1]) + position.column - 1

    for statement in parse(text, source_id="p", source_type="IAM Policy").statements:
        cut = text[offset(statement.start) : offset(statement.end)].strip(", \n")
        assert json.loads(cut) == statement.body


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not a valid JSON policy document"),
        ("[]", "not a valid JSON policy document"),
        ('{"Statement":[', "not a valid JSON policy document"),
        ('{"Statement":[]} and more', "not a valid JSON policy document"),
        ("{}", "has no Statement"),
        ('{"Statement":[]}', "has no Statement"),
        ('{"Statement":["x"]}', "not an object"),
        ('{"Statement":{"Effect":"Maybe","Action":"*","Resource":"*"}}', "Effect must be Allow or Deny"),
        ('{"Statement":{"Effect":"Allow","Resource":"*"}}', "one of Action and NotAction"),
        ('{"Statement":{"Effect":"Allow","Action":"*"}}', "one of Resource and NotResource"),
        ('{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}', "has no place"),
    ],
)
def test_a_policy_that_cannot_be_evaluated_is_refused_with_what_is_wrong(text, complaint):
    with pytest.raises(InvalidInputError, match=complaint) as refused:
        parse(text, source_id="PolicyInputList.1", source_type="IAM Policy")
    assert "PolicyInputList.1" in str(refused.value)


def test_a_resource_policy_needs_a_principal():
    with pytest.raises(InvalidInputError, match="Principal is needed"):
        parse(f'{{"Statement":{STATEMENT}}}', source_id="r", source_type="x", needs_principal=True)

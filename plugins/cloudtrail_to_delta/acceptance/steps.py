"""The frame of an acceptance run: named steps, one after the other, each with answers.

A step that needs an answer that has failed is not asked. What was made is removed in any case.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cloudtrail_to_delta.acceptance.rules import RULES, rule_of

Status = Literal["passed", "failed", "not asked"]
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one question found.

    Attributes:
        question: the question, such as `probe: append`.
        status: whether the answer is the expected one.
        detail: what was found, in words.
        rule: the rule that a failure is about, such as D1; empty for none.
        facts: versions and counts, which identify nobody.
    """

    question: str
    status: Status
    detail: str = ""
    rule: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The detail, after the rule of a failure."""
        if self.status != "failed" or not self.rule:
            return self.detail
        return f"{self.rule}, {RULES[self.rule]}: {self.detail}"


def passed(question: str, detail: str = "", **facts: Any) -> Answer:
    """Return the answer that was expected."""
    return Answer(question=question, status="passed", detail=detail, facts=facts)


def failed(question: str, detail: str, *, rule: str = "", **facts: Any) -> Answer:
    """Return another answer than the expected one; its words may name another rule than `rule`."""
    return Answer(question=question, status="failed", detail=detail, rule=rule_of(detail, rule), facts=facts)


def not_asked(question: str, why: str) -> Answer:
    """Return the answer to a question that could not be asked."""
    return Answer(question=question, status="not asked", detail=why)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A part of the run.

    Attributes:
        name: the step's name.
        rule: the rule that an error is about, unless its words say another.
        ask: returns the answers. An error of it is a failed answer.
        needs: the questions without whose success it is not asked.
    """

    name: str
    ask: Callable[[], Sequence[Answer]]
    rule: str = ""
    needs: Sequence[str] = ()


def run_steps(steps: Sequence[Step]) -> Iterator[Answer]:
    """Yield the answers of all steps, in their order."""
    unmet: set[str] = set()
    for step in steps:
        missing = [name for name in step.needs if name in unmet]
        if missing:
            found: Sequence[Answer] = [not_asked(step.name, f"needs: {', '.join(missing)}")]
        else:
            try:
                found = step.ask()
            except Exception as error:
                log.debug("%s", step.name, exc_info=error)
                found = [failed(step.name, f"{type(error).__name__}: {error}", rule=step.rule)]
        unmet |= {one.question for one in found if missing or one.status == "failed"}
        yield from found

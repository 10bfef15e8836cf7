"""Merge findings so that each cause is reported once. Consequences become `skipped`. Pure."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from cloudtrail_to_delta.iam.reader import merge_statements
from cloudtrail_to_delta.preflight.findings import Finding, MissingRight


def fold(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with each cause once, in their original order."""
    return _fold_alike(_fold_rights(_fold_consequences(findings)))


def _fold_consequences(findings: Sequence[Finding]) -> list[Finding]:
    """Turn a failure that follows from another failure into a skipped finding."""
    failed = {finding.subject for finding in findings if finding.status == "failed"}
    return [
        replace(
            finding,
            status="skipped",
            detail=f"not checked: the check of {finding.follows} failed",
            remedy="",
        )
        if finding.status == "failed" and finding.follows in failed
        else finding
        for finding in findings
    ]


def _fold_rights(findings: Sequence[Finding]) -> list[Finding]:
    """Merge all permissions that one policy lacks for one reason; the remedy grants all of them."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        if finding.missing is not None:
            groups.setdefault(_policy_of(finding, finding.missing), []).append(finding)
    folded = []
    for finding in findings:
        group = groups.get(_policy_of(finding, finding.missing), []) if finding.missing else []
        if len(group) < 2:
            folded.append(finding)
        elif finding is group[0]:
            folded.append(_of_rights(group, [one.missing for one in group if one.missing]))
    return folded


def _policy_of(finding: Finding, missing: MissingRight) -> tuple[str, str, str]:
    return finding.check, missing.where, missing.why


def _of_rights(group: Sequence[Finding], missing: Sequence[MissingRight]) -> Finding:
    purposes: dict[str, list[str]] = {}
    for one in missing:
        purposes.setdefault(one.purpose, []).append(one.right)
    needs = "; ".join(f"{', '.join(rights)} to {purpose}" for purpose, rights in purposes.items())
    first, statements = missing[0], [one.statement for one in missing if one.statement]
    worst = next((one for one in group if one.status == "failed"), group[0])
    return replace(
        worst,
        subject=f"{len(missing)} permissions in {first.where}",
        detail=f"{first.why}: {needs}",
        remedy=f"Add to {first.where}: {policy_text(statements)}" if statements else group[0].remedy,
    )


def policy_text(statements: Iterable[dict[str, object]]) -> str:
    """Return one statement, or a policy when there are several, as JSON."""
    merged = merge_statements(statements)
    return json.dumps(merged[0] if len(merged) == 1 else {"Version": "2012-10-17", "Statement": merged})


def _fold_alike(findings: Sequence[Finding]) -> list[Finding]:
    """Merge the failures of one check that have the same detail and the same remedy."""
    groups: dict[Finding, list[Finding]] = {}
    for finding in findings:
        is_failure = finding.status == "failed" and finding.remedy
        key = replace(finding, subject="", missing=None) if is_failure else replace(finding, missing=None)
        groups.setdefault(key, []).append(finding)
    return [
        replace(group[0], subject=", ".join(dict.fromkeys(one.subject for one in group)))
        for group in groups.values()
    ]

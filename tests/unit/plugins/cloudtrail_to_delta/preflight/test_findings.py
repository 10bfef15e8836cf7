"""Findings as a person reads them."""

from cloudtrail_to_delta.preflight.findings import (
    AFTERWARDS,
    Finding,
    describe_failures,
    render_table,
    summary_line,
)

FINDINGS = [
    Finding(check="bucket", subject="lake", status="ok", detail="there"),
    Finding(check="checkpoint", subject="s3://lake/c", status="failed", detail="another's", remedy="Choose."),
    Finding(check="log_listing", subject="insights", status="skipped", detail="none yet"),
    Finding(check="log_listing", subject="events", status="warning", detail="quiet", remedy="Check."),
    Finding(check="bucket", subject="audit", status="ok", detail="there"),
]


def test_the_summary_counts_each_status_the_worst_first():
    assert summary_line(FINDINGS, seconds=4.23) == "1 failed, 1 warning, 1 skipped, 2 ok in 4.2 s"
    assert summary_line(FINDINGS[:1], seconds=0) == "1 ok in 0.0 s"
    assert summary_line([], seconds=0) == "nothing checked in 0.0 s"


def test_the_table_is_aligned_shows_the_failed_ones_first_and_each_remedy():
    assert render_table(FINDINGS).splitlines() == [
        "STATUS   CHECK        SUBJECT      DETAIL",
        "failed   checkpoint   s3://lake/c  another's",
        "         → Choose.",
        "warning  log_listing  events       quiet",
        "         → Check.",
        "skipped  log_listing  insights     none yet",
        "ok       bucket       lake         there",
        "ok       bucket       audit        there",
    ]


def test_the_error_holds_every_failed_finding_and_its_remedy_and_no_other():
    text = describe_failures([*FINDINGS, Finding(check="x", subject="y", status="failed", detail="z")])
    assert text.splitlines() == [
        "2 preflight check(s) failed; nothing was submitted or written:",
        "  - checkpoint s3://lake/c: another's",
        "    → Choose.",
        "  - x y: z",
        AFTERWARDS,
    ]


def test_a_finding_is_left_with_what_a_person_reads():
    assert FINDINGS[1].to_dict() == {
        "record_version": 1,
        "check": "checkpoint",
        "subject": "s3://lake/c",
        "status": "failed",
        "detail": "another's",
        "remedy": "Choose.",
    }

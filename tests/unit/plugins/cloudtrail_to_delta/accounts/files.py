"""An accounts.yaml for tests."""

from textwrap import dedent, indent

DEFAULTS = """\
bucket: example-cloudtrail-logs
region: us-east-1
target_root: s3://example-lake/delta/{alias}
checkpoint_root: s3://example-lake/checkpoints/{alias}
code_root: s3://example-lake/code
events_table: events_{alias}
insights_table: insights_{alias}
network_activity_table: network_activity_{alias}
aggregated_table: aggregated_{alias}
digests_table: digests_{alias}
compute: existing_cluster
cluster_id: 0101-120000-abcd1234
reader_role_arn: arn:aws:iam::123456789012:role/cloudtrail-reader
warehouse_id: 0a1b2c3d4e5f6a7b
"""


def text(*entries, defaults=DEFAULTS):
    """The file's text: each entry is its fields, one a line."""
    lines = ["defaults:", indent(dedent(defaults), "  ").rstrip(), "accounts:"]
    for entry in entries:
        first, *more = dedent(entry).strip().splitlines()
        lines += [f"  - {first}", *(f"    {line}" for line in more)]
    return "\n".join(lines) + "\n"


def line_of(written, part):
    """The number of the first line that has `part`."""
    return next(n for n, line in enumerate(written.splitlines(), 1) if part in line)

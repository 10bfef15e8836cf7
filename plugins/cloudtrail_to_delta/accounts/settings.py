"""The fields of an entry that are not params: what its DAG is called, when it runs, whose it is."""

from cloudtrail_to_delta.accounts.schedules import schedule_complaint
from cloudtrail_to_delta.params.declaration import ParamRule
from cloudtrail_to_delta.params.values import Check, each, matches, or_empty

# What may stand in a DAG id, in a table name and in a path alike, since it may stand for itself in all three.
ALIAS = r"[a-z0-9][a-z0-9_]{0,62}"
_ALIAS = matches(ALIAS, "lower-case letters, digits and underscores, 63 at most")
_LINE = matches(r"\S(.{0,98}\S)?", "1 to 100 characters on one line")

# The block of an entry that makes it a set-up, too: `cloudtrail_to_delta.accounts.setups`.
SETUP = "setup"

SETTINGS: dict[str, ParamRule] = {
    "alias": ParamRule(or_empty(_ALIAS), ""),
    "schedule": ParamRule(Check(schedule_complaint), "hourly"),
    "owner": ParamRule(_LINE, "cloudtrail"),
    "tags": ParamRule(each(_LINE, least=0), []),
}

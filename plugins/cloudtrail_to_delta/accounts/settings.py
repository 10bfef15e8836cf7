"""The fields of an entry that are not params: the name, schedule, owner and tags, and the environment."""

from cloudtrail_to_delta.accounts.schedules import schedule_complaint
from cloudtrail_to_delta.params.declaration import ParamRule
from cloudtrail_to_delta.params.values import Check, caption, each, matches, or_empty

# An alias can be part of a DAG ID, of a table name and of a path, so it must fit all three.
ALIAS = r"[a-z0-9][a-z0-9_]{0,62}"
_ALIAS = matches(ALIAS, "at most 63 lowercase letters, digits and underscores, the first not an underscore")

# The block that gives an entry a set-up: see `cloudtrail_to_delta.accounts.setups`.
SETUP = "setup"

SETTINGS: dict[str, ParamRule] = {
    "alias": ParamRule(or_empty(_ALIAS), ""),
    "schedule": ParamRule(Check(schedule_complaint), "hourly"),
    "owner": ParamRule(caption, "cloudtrail"),
    "tags": ParamRule(each(caption, least=0), []),
    "environment": ParamRule(or_empty(caption), ""),
}

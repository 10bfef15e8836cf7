"""The params of the Databricks part of the set-up, and what they may not be together."""

from cloudtrail.contract import ChoiceRule, ParamRule
from cloudtrail.values import matches

PARAMS: dict[str, ParamRule] = {
    "databricks_conn_id": ParamRule(
        matches(r"\S+", "the name of an Airflow connection"), "databricks_default"
    ),
}
CHOICES: tuple[ChoiceRule, ...] = ()

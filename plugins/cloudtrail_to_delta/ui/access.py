"""Permissions: asks Airflow's auth manager at each request which DAGs the user may see."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any


def readable(user: Any, teams: Mapping[str, str | None]) -> set[str]:
    """Return the DAGs whose runs and XComs the user may read. The pages show both.

    An auth manager may answer over the network, so it gets one question for all DAGs of a team, and one each
    for runs and XComs, as Airflow's own lists of runs and XComs ask. Only a user without a general right to
    runs or XComs costs a question for each DAG. Call this outside of a database transaction.

    Args:
        user: the signed-in user.
        teams: the name of each DAG's team, None without one.
    """
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails

    manager: Any = get_auth_manager()
    allowed: set[str] = set()
    for team, dag_ids in groupby(sorted(teams, key=lambda dag_id: str(teams[dag_id])), key=teams.get):
        asked = {"dag_ids": set(dag_ids), "user": user, "method": "GET", "team_name": team}
        allowed |= manager.filter_authorized_dag_ids(**asked)
    for entity in (DagAccessEntity.RUN, DagAccessEntity.XCOM):
        what = {"method": "GET", "access_entity": entity, "user": user}
        if allowed and not manager.is_authorized_dag(**what, details=DagDetails()):
            allowed = {
                dag_id
                for dag_id in allowed
                if manager.is_authorized_dag(**what, details=DagDetails(id=dag_id, team_name=teams[dag_id]))
            }
    return allowed

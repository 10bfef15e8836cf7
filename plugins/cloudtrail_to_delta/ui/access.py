"""Permissions: asks Airflow's auth manager at each request which DAGs the user may see."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def readable(user: Any, dag_ids: Collection[str], session: "Session") -> set[str]:
    """Return the DAGs whose runs and XComs the user may read. The pages show both."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
    from airflow.models.dag import DagModel

    manager: Any = get_auth_manager()
    teams = DagModel.get_dag_id_to_team_name_mapping(list(dag_ids), session=session)
    return {
        dag_id
        for dag_id in dag_ids
        if all(
            manager.is_authorized_dag(
                method="GET",
                access_entity=entity,
                details=DagDetails(id=dag_id, team_name=teams.get(dag_id)),
                user=user,
            )
            for entity in (DagAccessEntity.RUN, DagAccessEntity.XCOM)
        )
    }

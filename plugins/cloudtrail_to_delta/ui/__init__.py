"""Pages in Airflow's API server, behind Airflow's sign-in and permissions.

Every Airflow process loads plugins, but only one serves pages. So the first request creates the app.
"""

from collections.abc import Awaitable, Callable
from typing import Any

PREFIX = "/cloudtrail"
# The page behind the entry in Airflow's navigation.
HOME = "/overview"


class LazyApp:
    """The ASGI app of all pages."""

    def __init__(self) -> None:
        self._app: Callable[..., Awaitable[None]] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if self._app is None:
            from cloudtrail_to_delta.ui.app import create_app

            self._app = create_app()
        await self._app(scope, receive, send)

"""Pages in Airflow's API server, behind Airflow's own sign-in and permissions.

Every process of Airflow loads plugins, and one serves pages: the app is made when the first request comes.
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

"""Files in Unity Catalog volumes: the Files API on a folder, for volumes that exist.

Source: Databricks REST, Files API, `/api/2.0/fs/files{file_path}`.
"""

import shutil
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from sandbox.databricks.errors import AlreadyExistsError, InvalidParameterError, NotFoundError
from sandbox.databricks.grants import Grants
from sandbox.databricks.principals import caller
from sandbox.databricks.rules import Rule
from sandbox.databricks.settings import Settings

ROUTE = "/api/2.0/fs/files/{path:path}"
FOLDERS = "/api/2.0/fs/directories/{path:path}"
# /Volumes/<catalog>/<schema>/<volume>/<file>
PARTS = 5


class Volumes:
    """The routes of the Files API."""

    def __init__(self, settings: Settings, grants: Grants) -> None:
        self._settings, self._grants = settings, grants

    def router(self) -> APIRouter:
        """Return the routes to upload, download, check and delete a file, and to delete a folder."""
        router = APIRouter()
        router.add_api_route(ROUTE, self.put, methods=["PUT"], status_code=204)
        router.add_api_route(ROUTE, self.get, methods=["GET"])
        router.add_api_route(ROUTE, self.head, methods=["HEAD"])
        router.add_api_route(ROUTE, self.delete, methods=["DELETE"], status_code=204)
        router.add_api_route(FOLDERS, self.delete_folder, methods=["DELETE"], status_code=204)
        return router

    async def put(self, path: str, request: Request, overwrite: bool = False) -> Response:
        """Write the body to a file, atomically."""
        target = self._file(path, "WRITE_VOLUME")
        if target.exists() and not overwrite:
            raise AlreadyExistsError(f"The file /{path} already exists; pass overwrite=true to replace it")
        target.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=target.parent, delete=False) as new:
            async for chunk in request.stream():
                new.write(chunk)
        shutil.move(new.name, target)
        return Response(status_code=204)

    def get(self, path: str) -> FileResponse:
        """Return the file's bytes."""
        return FileResponse(self._existing(path), media_type="application/octet-stream")

    def head(self, path: str) -> Response:
        """Return the file's size and modification time."""
        status = self._existing(path).stat()
        modified = datetime.fromtimestamp(status.st_mtime, UTC)
        headers = {
            "Content-Length": str(status.st_size),
            "Content-Type": "application/octet-stream",
            "Last-Modified": format_datetime(modified, usegmt=True),
        }
        return Response(headers=headers)

    def delete(self, path: str) -> Response:
        """Remove the file."""
        self._existing(path, "WRITE_VOLUME").unlink()
        return Response(status_code=204)

    def delete_folder(self, path: str) -> Response:
        """Remove an empty folder."""
        folder = self._file(path, "WRITE_VOLUME")
        if not folder.is_dir():
            raise NotFoundError(f"The directory /{path} does not exist")
        if any(folder.iterdir()):
            raise InvalidParameterError(f"The directory /{path} is not empty")
        folder.rmdir()
        return Response(status_code=204)

    def _existing(self, path: str, privilege: str = "READ_VOLUME") -> Path:
        file = self._file(path, privilege)
        if not file.is_file():
            raise NotFoundError(f"The file /{path} does not exist")
        return file

    def _file(self, path: str, privilege: str) -> Path:
        parts = PurePosixPath("/", path).parts[1:]
        if len(parts) < PARTS or parts[0] != "Volumes" or ".." in parts:
            raise InvalidParameterError(
                f"Invalid path /{path}: /Volumes/<catalog>/<schema>/<volume>/<file> is expected"
            )
        if self._settings.enforces(Rule.EXTERNAL_LOCATIONS):
            self._grants.require_volume(caller(), privilege, path)
        return self._settings.volumes.joinpath(*parts[1:])

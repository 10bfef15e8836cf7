"""The settings of one sandbox: its folder, its ports, its addresses, and the secrets that it generates.

Several sandboxes can run at the same time if their folders and ports differ. Each keeps all files in its
folder.
"""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
# ":" separates the entries of the class path and of PYTHONPATH. The others have a meaning in the address of
# an SQLite file, in Airflow's settings or in Spark's.
UNUSABLE = ":?%$\\\n"


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """One sandbox, which listens on TCP ports of 127.0.0.1 only.

    `dags` is the folder that Airflow reads DAGs from. `database` is the address of a migrated metadata
    database. Without one, Airflow gets an SQLite file in the sandbox's folder. With `legacy`, the workspace
    has the legacy metastore, and clusters without isolation. `settings` are variables of Airflow
    over those of every sandbox.
    """

    state: Path = ROOT / ".sandbox"
    airflow_port: int = 8080
    aws_port: int = 5555
    databricks_port: int = 5556
    dags: Path = ROOT / "dags"
    database: str = ""
    legacy: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def logs(self) -> Path:
        """The folder with the output of each process."""
        return self.state / "logs"

    @property
    def airflow_home(self) -> Path:
        """AIRFLOW_HOME: the metadata database and the task logs."""
        return self.state / "airflow"

    @property
    def airflow_url(self) -> str:
        """The URL of the Airflow UI and its REST API."""
        return f"http://{HOST}:{self.airflow_port}"

    @property
    def aws_url(self) -> str:
        """The endpoint of all AWS services of the sandbox."""
        return f"http://{HOST}:{self.aws_port}"

    @property
    def databricks_url(self) -> str:
        """The workspace's URL: that of the Databricks stand-in."""
        return f"http://{HOST}:{self.databricks_port}"


def folder_problem(folder: Path) -> str:
    """Return why the sandbox cannot use this folder, or an empty text."""
    found = [character for character in UNUSABLE if character in str(folder)]
    if not found:
        return ""
    shown = ", ".join(repr(character) for character in found)
    return (
        f"the folder {str(folder)!r} has {shown} in its name, which Java, Airflow or SQLite would "
        "misinterpret: move it to a folder without these characters"
    )


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """The secrets that the parts of one sandbox share, generated once and readable by their owner only."""

    databricks_token: str
    databricks_service_token: str
    jwt_secret: str
    api_secret_key: str
    fernet_key: str

    @classmethod
    def of(cls, sandbox: Sandbox) -> "Secrets":
        """Read `<state>/secrets.json`; create it (mode 0600) if it is missing."""
        path = sandbox.state / "secrets.json"
        if not path.exists():
            made = {
                "databricks_token": "dapi" + secrets.token_hex(16),
                "databricks_service_token": "dapi" + secrets.token_hex(16),
                # HS512 requires at least 64 bytes (RFC 7518, section 3.2).
                "jwt_secret": secrets.token_urlsafe(64),
                "api_secret_key": secrets.token_urlsafe(32),
                "fernet_key": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            }
            sandbox.state.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump(made, file)
        kept = json.loads(path.read_text())
        return cls(**{field.name: kept[field.name] for field in fields(cls)})

"""Where one sandbox lives: its folder, its ports, the addresses that follow, and the secrets it made up.

Several sandboxes run beside each other when their folders and ports differ; nothing is kept outside of them.
"""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
# The class path and PYTHONPATH are lists with ":"; the others mean something in the address of an SQLite
# file, in Airflow's settings or in Spark's.
UNUSABLE = ":?%$\\\n"


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """One sandbox. Ports are TCP ports on 127.0.0.1; nothing listens on any other address.

    `dags` is the folder that Airflow reads DAGs from. `database` is the address of a migrated metadata
    database; without one Airflow gets an SQLite file in the sandbox's folder.
    """

    state: Path = ROOT / ".sandbox"
    airflow_port: int = 8080
    aws_port: int = 5555
    databricks_port: int = 5556
    dags: Path = ROOT / "dags"
    database: str = ""

    @property
    def logs(self) -> Path:
        """One file per process: what it printed."""
        return self.state / "logs"

    @property
    def airflow_home(self) -> Path:
        """AIRFLOW_HOME: the metadata database and the task logs."""
        return self.state / "airflow"

    @property
    def airflow_url(self) -> str:
        """The Airflow UI and its REST API."""
        return f"http://{HOST}:{self.airflow_port}"

    @property
    def aws_url(self) -> str:
        """The endpoint of every AWS service of the sandbox."""
        return f"http://{HOST}:{self.aws_port}"

    @property
    def databricks_url(self) -> str:
        """The workspace URL of the Databricks stand-in."""
        return f"http://{HOST}:{self.databricks_port}"


def folder_problem(folder: Path) -> str:
    """Why nothing of the sandbox can be in this folder; empty when it can."""
    found = [character for character in UNUSABLE if character in str(folder)]
    if not found:
        return ""
    shown = ", ".join(repr(character) for character in found)
    return (
        f"the folder {str(folder)!r} has {shown} in its name, which Java, Airflow or SQLite would take for "
        "something else: move it to a folder without that"
    )


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What the parts of one sandbox know each other by. Made once per sandbox, readable by its owner only."""

    databricks_token: str
    jwt_secret: str
    api_secret_key: str
    fernet_key: str

    @classmethod
    def of(cls, sandbox: Sandbox) -> "Secrets":
        """Read `<state>/secrets.json`, or make it (mode 0600) when it is missing."""
        path = sandbox.state / "secrets.json"
        if not path.exists():
            made = {
                "databricks_token": "dapi" + secrets.token_hex(16),
                # HS512 asks for 64 bytes (RFC 7518, section 3.2).
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

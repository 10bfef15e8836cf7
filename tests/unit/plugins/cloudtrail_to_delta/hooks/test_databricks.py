"""Files of a volume go the way that the connection says, and no id leaves its place in a URL."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from airflow.providers.databricks.exceptions import DatabricksApiError
from airflow.providers.databricks.hooks.databricks_base import AZURE_MANAGEMENT_ENDPOINT
from tenacity import wait_none

from cloudtrail_to_delta.errors import CloudTrailError, FatalError
from cloudtrail_to_delta.hooks.databricks import IngestHook, api_path
from cloudtrail_to_delta.preflight.workspace import check_warehouse


@pytest.fixture
def proxy():
    """An HTTP proxy that answers by itself: what it was asked for, as `(request line, headers, body)`."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.requestline, self.headers, body))
            words = body.split()
            busy = words[:1] == [b"busy"] and len(seen) <= int(words[1])
            self.send_response(403 if b"refuse" in body else 503 if busy else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_DELETE(self):
            seen.append((self.requestline, self.headers, b""))
            self.send_response(404 if "missing" in self.path else 403 if "refuse" in self.path else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


@pytest.fixture
def connect(monkeypatch):
    """Makes a hook of a workspace that can only be reached through a proxy."""

    def hook(**extra):
        connection = {
            "conn_type": "databricks",
            "schema": "http",
            "host": "workspace.invalid",
            "password": "t0ken",
            "extra": extra,
        }
        monkeypatch.setenv("AIRFLOW_CONN_BEHIND_A_PROXY", json.dumps(connection))
        return IngestHook("behind_a_proxy")

    return hook


def test_a_file_of_a_volume_goes_through_the_proxy_of_the_connection(proxy, connect):
    address, seen = proxy
    connect(proxies={"http": address}).put_volume_file("/Volumes/main/ops/code/a+b.whl", b"wheel")
    ((line, headers, body),) = seen
    assert line.startswith(
        "PUT http://workspace.invalid/api/2.0/fs/files/Volumes/main/ops/code/a%2Bb.whl?overwrite=true "
    )
    assert (headers["Authorization"], body) == ("Bearer t0ken", b"wheel")


def test_a_file_and_an_empty_folder_of_a_volume_are_deleted_although_the_answer_is_empty(proxy, connect):
    address, seen = proxy
    hook = connect(proxies={"http": address})
    hook.delete_from_volume("/Volumes/main/ops/code/run/a+b.whl")
    hook.delete_from_volume("/Volumes/main/ops/code/run", folder=True)
    assert [line.split()[:2] for line, _, _ in seen] == [
        ["DELETE", f"http://workspace.invalid/api/2.0/fs/{place}"]
        for place in ("files/Volumes/main/ops/code/run/a%2Bb.whl", "directories/Volumes/main/ops/code/run")
    ]


def test_a_missing_file_of_a_volume_counts_as_deleted_and_a_refused_one_does_not(proxy, connect):
    hook = connect(proxies={"http": proxy[0]})
    hook.delete_from_volume("/Volumes/main/ops/missing/x.whl")
    with pytest.raises(DatabricksApiError, match="403"):
        hook.delete_from_volume("/Volumes/main/ops/refused/x.whl")


def test_a_service_principal_of_azure_says_which_workspace_it_is_for(proxy, connect):
    address, seen = proxy
    hook = connect(proxies={"http": address}, azure_resource_id="/subscriptions/1/workspaces/w")
    hook.oauth_tokens[AZURE_MANAGEMENT_ENDPOINT] = {
        "access_token": "of-the-management",
        "token_type": "Bearer",
        "expires_on": int(time.time()) + 3600,
    }
    hook.put_volume_file("/Volumes/main/ops/code/x.whl", b"wheel")
    ((_, headers, _),) = seen
    assert headers["X-Databricks-Azure-Workspace-Resource-Id"] == "/subscriptions/1/workspaces/w"
    assert headers["X-Databricks-Azure-SP-Management-Token"] == "of-the-management"


def test_a_file_that_is_refused_is_an_error_that_names_the_right(proxy, connect):
    with pytest.raises(CloudTrailError, match=r"Status Code: 403.*WRITE VOLUME") as refused:
        connect(proxies={"http": proxy[0]}).put_volume_file("/Volumes/main/ops/code/x.whl", b"refuse")
    assert "t0ken" not in str(refused.value)


def test_a_busy_service_is_asked_again_and_is_no_missing_right(proxy, connect):
    address, seen = proxy
    hook = connect(proxies={"http": address})
    hook.retry_args["wait"] = wait_none()
    hook.put_volume_file("/Volumes/main/ops/code/x.whl", b"busy 2")
    assert len(seen) == 3
    with pytest.raises(
        CloudTrailError, match=r"x\.whl' could not be written: .* failed 3 times: 503"
    ) as given_up:
        hook.put_volume_file("/Volumes/main/ops/code/x.whl", b"busy 9")
    assert "WRITE VOLUME" not in str(given_up.value)


def test_a_part_of_a_url_stays_one_part():
    assert api_path("2.0/sql/warehouses", "a/b c?d#e%2e") == "2.0/sql/warehouses/a%2Fb%20c%3Fd%23e%252e"


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_a_part_that_would_name_another_folder_is_refused(part):
    with pytest.raises(FatalError, match="cannot be part of a URL"):
        api_path("2.0/sql/warehouses", part)


class Workspace:
    """Notes what is asked of it."""

    def __init__(self):
        self.asked = []

    def get(self, path, **query):
        self.asked.append((path, query))
        return {"state": "RUNNING"}


def test_the_id_of_a_warehouse_reaches_no_other_api():
    workspace = Workspace()
    check_warehouse(workspace, "../../../2.0/secrets/scopes/list")
    assert workspace.asked == [("2.0/sql/warehouses/..%2F..%2F..%2F2.0%2Fsecrets%2Fscopes%2Flist", {})]

"""Lock files are audited where a database can be reached; otherwise the command says that they were not."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox.vulnerabilities import ROOT, main, pins


@pytest.fixture
def database(monkeypatch):
    """A database that knows vulnerabilities of some packages, name → ids; yields that table."""
    known = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            names = [one["package"]["name"] for one in asked if one["package"]["ecosystem"] == "PyPI"]
            results = [
                {"vulns": [{"id": key} for key in known[name]]} if name in known else {} for name in names
            ]
            body = json.dumps({"results": results}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OSV_URL", f"http://127.0.0.1:{server.server_port}")
    yield known
    server.shutdown()
    server.server_close()


def test_every_pin_of_a_lock_is_read():
    text = (ROOT / "requirements-dev.txt").read_text()
    assert len(pins(text)) == sum("==" in line for line in text.splitlines() if line[:1].isalnum())
    assert pins("Name[extra]==1.0 ; python_version < '3' \\\n    --hash=sha256:0\n# via x==2\n") == [
        ("name", "1.0")
    ]


def test_a_known_vulnerability_is_named_with_its_lock_file_and_fails(database, capsys):
    database["msgspec"] = ["GHSA-1", "GHSA-2"]
    assert main() == 1
    said = capsys.readouterr().out
    assert "requirements-dev.txt" in said
    assert ": GHSA-1, GHSA-2\n1 of " in said


def test_without_a_vulnerability_it_succeeds(database, capsys):
    assert main() == 0
    assert "0 of " in capsys.readouterr().out


def test_without_a_database_it_says_that_nothing_was_audited(monkeypatch, capsys):
    monkeypatch.setenv("OSV_URL", "http://127.0.0.1:9")
    assert main() == 0
    assert capsys.readouterr().out.startswith(
        "the lock files were not audited: http://127.0.0.1:9 does not answer"
    )

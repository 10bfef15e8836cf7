"""Faults on demand: what they hit, how often, and how a service words them."""

import io
import socket

import pytest

from sandbox.aws.faults import Faults


def app(environ, start_response):
    start_response("200 OK", [])
    return [b"served"]


def ask(faults, service, *, method="GET", path="/bucket", query="", form=b"", more=None):
    said = []
    body = faults(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/{service}/aws4_request",
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if form else "",
            "wsgi.input": io.BytesIO(form),
        }
        | (more or {}),
        lambda status, headers: said.append((status, dict(headers))),
    )
    return said[0][0], b"".join(body).decode()


def test_a_fault_answers_only_what_it_is_for_and_as_often_as_it_says():
    faults = Faults(app)
    faults.set([{"action": "GetBucketPolicy", "code": "MethodNotAllowed", "status": 405, "times": 2}])
    assert ask(faults, "s3", query="list-type=2") == ("200 OK", "served")
    for _ in range(2):
        status, body = ask(faults, "s3", query="policy")
        assert status == "405 MethodNotAllowed"
        assert "<Error><Code>MethodNotAllowed</Code>" in body
    assert ask(faults, "s3", query="policy") == ("200 OK", "served")


@pytest.mark.parametrize(("cut", "served"), [("request", 0), ("answer", 1)])
def test_a_cut_connection_has_no_answer_whether_the_request_was_served_or_not(cut, served):
    reached = []

    def noting(environ, start_response):
        reached.append(environ["PATH_INFO"])
        return app(environ, start_response)

    ours, theirs = socket.socketpair()
    faults = Faults(noting)
    faults.set([{"service": "s3", "cut": cut, "times": 1}])
    ask(faults, "s3", more={"werkzeug.socket": ours})
    assert len(reached) == served
    assert theirs.recv(1) == b""
    assert ask(faults, "s3") == ("200 OK", "served")
    for one in (ours, theirs):
        one.close()


def test_a_cut_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="unknown cut 'both': one of request, answer"):
        Faults(app).set([{"cut": "both"}])


def test_without_a_limit_it_lasts_until_it_is_taken_back():
    faults = Faults(app)
    faults.set([{"service": "iam", "code": "Throttling"}])
    for _ in range(3):
        status, body = ask(faults, "iam", method="POST", form=b"Action=GetRole")
        assert status == "400 Throttling"
        assert body.startswith("<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>")
    faults.clear()
    assert ask(faults, "iam", method="POST", form=b"Action=GetRole") == ("200 OK", "served")


def test_services_of_json_say_it_in_json():
    faults = Faults(app)
    faults.set([{"service": "kms", "code": "AccessDeniedException", "message": "no"}])
    assert ask(faults, "kms", method="POST")[1] == '{"__type": "AccessDeniedException", "message": "no"}'


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"acton": "x", "code": "y"}, "unknown in a fault: acton"),
        ({"action": "x"}, "a code, a delay_ms or a cut"),
    ],
)
def test_a_fault_that_would_do_nothing_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        Faults(app).set([given])

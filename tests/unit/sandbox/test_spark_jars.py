"""Spark's jars are those whose SHA-256 is in the repository."""

import hashlib

import pytest

from sandbox.spark import LOCK, PACKAGES, locked, verify_jars

JARS = {"a-1.jar": b"first", "b-2.jar": b"second"}


@pytest.fixture
def folder(tmp_path):
    for name, content in JARS.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def wanted():
    return {name: hashlib.sha256(content).hexdigest() for name, content in JARS.items()}


def test_jars_with_the_hashes_of_the_list_are_taken(folder):
    verify_jars(folder, wanted())


@pytest.mark.parametrize(
    ("name", "content"), [("a-1.jar", b"other"), ("c-3.jar", b"one more"), ("b-2.jar", None)]
)
def test_another_an_unknown_and_a_missing_jar_is_refused_by_name(folder, name, content):
    (folder / name).unlink(missing_ok=True)
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(RuntimeError, match=rf"are not those of {LOCK.name}: {name}\."):
        verify_jars(folder, wanted())


def test_the_list_has_the_packages_that_spark_is_started_with():
    names = set(locked())
    for package in PACKAGES:
        _, artifact, version = package.split(":")
        assert f"{artifact}-{version}.jar" in names

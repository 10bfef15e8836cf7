"""The archive of Java classes: its options, and what a Spark that fails leaves."""

import os
import shlex
from pathlib import Path

import pytest

from sandbox import shared_classes


def test_the_options_name_the_archive_of_a_folder_of_any_name() -> None:
    folder = Path('/it "is" my\\cloud')

    used = shlex.split(shared_classes.options(folder))
    written = shlex.split(shared_classes.options(folder, recording=True))

    assert used[0] == f"-XX:SharedArchiveFile={folder}/classes.jsa"
    assert written[0] == f"-XX:ArchiveClassesAtExit={folder}/classes.jsa.new"


def test_a_spark_that_fails_is_an_error_with_its_words_and_leaves_no_archive(tmp_path: Path) -> None:
    (tmp_path / shared_classes.NEW).touch()
    environment = dict(os.environ) | {"JAVA_HOME": str(tmp_path / "no-java")}

    with pytest.raises(RuntimeError, match=r"(?s)a first Spark has failed:.*JAVA_GATEWAY_EXITED"):
        shared_classes.record(environment, tmp_path)

    assert not (tmp_path / shared_classes.ARCHIVE).exists()


def test_an_archive_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / shared_classes.ARCHIVE).write_text("kept")

    shared_classes.record({}, tmp_path)

    assert (tmp_path / shared_classes.ARCHIVE).read_text() == "kept"

"""What set-up says is missing, and what it tells uv."""

import os
from pathlib import Path

import pytest

from sandbox import install


def java(folder: Path, version: str, modules: str = "java.base@17\njdk.incubator.vector@17") -> Path:
    """A JAVA_HOME whose `java` answers like a real one."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(
        "#!/bin/sh\n"
        f"""case "$1" in -version) echo 'openjdk version "{version}"' >&2;; *) echo '{modules}';; esac\n"""
    )
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 9)])
def test_a_supported_python_is_no_problem(version: tuple[int, ...]) -> None:
    assert install.python_problem(version) == ""


@pytest.mark.parametrize(("version", "words"), [((3, 10, 4), "too old"), ((3, 14, 0), "newer than")])
def test_an_unsupported_python_is_named_with_what_to_install(version: tuple[int, ...], words: str) -> None:
    problem = install.python_problem(version)

    assert ".".join(map(str, version)) in problem
    assert words in problem
    assert "PYTHON=" in problem


@pytest.mark.parametrize(
    ("shown", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ('openjdk version "25-ea" 2025-09-16', 25),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", 0),
    ],
)
def test_the_major_version_of_java_is_read(shown: str, major: int) -> None:
    assert install.java_major(shown) == major


def test_java_17_is_no_problem(tmp_path: Path) -> None:
    assert install.java_problem({"JAVA_HOME": str(java(tmp_path, "17.0.15"))}) == ""


def test_java_on_the_path_is_found(tmp_path: Path) -> None:
    path = f"{java(tmp_path, '21.0.1')}/bin{os.pathsep}/bin{os.pathsep}/usr/bin"

    assert install.java_problem({"PATH": path}) == ""


def test_no_java_at_all_is_said_with_what_to_install(tmp_path: Path) -> None:
    problem = install.java_problem({"PATH": str(tmp_path)})

    assert "no `java` on the PATH" in problem
    assert "openjdk-17-jre-headless" in problem


def test_a_java_home_without_java_is_named(tmp_path: Path) -> None:
    assert f"JAVA_HOME={tmp_path} has no bin/java" in install.java_problem({"JAVA_HOME": str(tmp_path)})


def test_an_older_java_is_named_with_its_version(tmp_path: Path) -> None:
    assert "is version 11" in install.java_problem({"JAVA_HOME": str(java(tmp_path, "11.0.2"))})


def test_a_java_without_the_vector_module_is_refused(tmp_path: Path) -> None:
    home = java(tmp_path, "17.0.1", modules="java.base@17")

    assert "lacks the module jdk.incubator.vector" in install.java_problem({"JAVA_HOME": str(home)})


def test_what_pip_was_told_is_told_to_uv(tmp_path: Path) -> None:
    pip = {
        "index-url": "https://mirror.example/simple",
        "extra-index-url": "https://a.example https://b.example",
        "find-links": f"{tmp_path} /no/such/folder",
        "trusted-host": "mirror.example",
        "default-timeout": "180",
        "cert": "/ca.pem",
    }

    assert install.uv_environment(pip, {"HOME": "/h"}) == {
        "HOME": "/h",
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": "https://a.example https://b.example",
        "UV_FIND_LINKS": str(tmp_path),
        "UV_INSECURE_HOST": "mirror.example",
        "UV_HTTP_TIMEOUT": "180",
        "SSL_CERT_FILE": "/ca.pem",
    }


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_what_uv_was_told_itself_wins(variable: str) -> None:
    environment = install.uv_environment({"index-url": "https://of-pip.example"}, {variable: "https://own"})

    assert environment == {variable: "https://own"}


def test_a_machine_without_settings_tells_uv_nothing() -> None:
    assert install.uv_environment({}, {"HOME": "/h"}) == {"HOME": "/h"}


def test_the_environment_of_this_process_can_be_handed_on() -> None:
    assert install.uv_environment({"default-timeout": "7"}, os.environ)["PATH"] == os.environ["PATH"]


def test_java_is_not_asked_for_where_no_spark_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "none"))

    assert any("Java" in line for line in install.missing_tools())
    assert install.missing_tools(java=False) == []

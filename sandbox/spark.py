"""The Spark that runs the sandbox's jobs and SQL: its jars, its settings, its paths.

This module owns the differences from a Databricks cluster: the jars that make Delta and S3 work on
open-source Spark, and the file of settings that points `s3://` at the sandbox's AWS. `PYSPARK_SUBMIT_ARGS`
names that file to the jobs, so that they need no code for it. `SPARK_CONF_DIR` would put a folder on the
class path, and then Java shares no classes.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from sandbox import shared_classes

ROOT = Path(__file__).resolve().parent.parent
JARS = ROOT / ".cache" / "spark-jars"
# The SHA-256 of each jar of `PACKAGES`, as `sha256sum` writes them.
LOCK = ROOT / "sandbox" / "spark-jars.sha256"

# hadoop-aws depends on the 600 MB SDK bundle. S3A needs only these five modules of it.
PACKAGES = (
    "io.delta:delta-spark_4.2_2.13:4.4.0",
    "org.apache.hadoop:hadoop-aws:3.5.0",
    *(
        f"software.amazon.awssdk:{module}:2.35.4"
        for module in ("s3", "s3-transfer-manager", "sts", "apache-client", "netty-nio-client")
    ),
)
EXCLUDED = "software.amazon.awssdk:bundle"

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}

# A Spark of the sandbox lives for minutes, too short for the JVM's second compiler to pay off. A start and a
# few Delta statements took 82 s of processor time with the JVM's defaults. These options reduce that to 34 s
# and save 130 MB. With one compiler the JVM reserves 48 MB for compiled code by default, which a few hundred
# statements fill. It then stops compiling, so the reserve is set to 240 MB.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"

# To generate and compile Java for the few rows of a sandbox costs more than it saves. Spark then evaluates
# the same expressions itself. The sandbox's runs generate code, as Databricks does.
WITHOUT_CODE_GENERATION = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


def resolve_jars(jars: Path = JARS, packages: Sequence[str] = PACKAGES) -> Path:
    """Return the folder with the jars that Spark lacks; Ivy downloads them at the first call.

    Raises:
        RuntimeError: if Ivy cannot resolve them, with the end of its output; if a jar is not that of `LOCK`.
    """
    resolved = jars / "resolved"
    stamp = "\n".join(packages)
    if resolved.exists() and resolved.read_text() == stamp:
        return jars / "classpath"
    code = "from pyspark.sql import SparkSession; SparkSession.builder.getOrCreate().stop()"
    settings = {
        "spark.master": "local[1]",
        "spark.ui.enabled": "false",
        "spark.jars.ivy": str(jars),
        "spark.jars.packages": ",".join(packages),
        "spark.jars.excludes": EXCLUDED,
    }
    conf = write_defaults(jars / "conf", settings)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=spark_environment(conf),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the Spark jars could not be resolved:\n{(done.stdout + done.stderr)[-3000:]}")
    _link_missing(jars / "jars", jars / "classpath")
    if packages == PACKAGES:
        verify_jars(jars / "classpath", locked())
    (jars / shared_classes.ARCHIVE).unlink(missing_ok=True)
    resolved.write_text(stamp)
    return jars / "classpath"


def locked() -> dict[str, str]:
    """Return the name of each of the sandbox's jars → its SHA-256."""
    lines = (line.split() for line in LOCK.read_text().splitlines())
    return {name: digest for digest, name in lines}


def verify_jars(classpath: Path, wanted: Mapping[str, str]) -> None:
    """Compare the jars in a folder with their SHA-256.

    Raises:
        RuntimeError: if one is another, is not in `wanted`, or is missing.
    """
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in classpath.glob("*.jar")}
    if wrong := sorted(name for name in found.keys() | wanted if found.get(name) != wanted.get(name)):
        raise RuntimeError(
            f"these Spark jars are not those of {LOCK.name}: {', '.join(wrong)}. If you changed PACKAGES, "
            f"write that file again: cd {classpath} && sha256sum *.jar. Otherwise, do not use them."
        )


def share_classes() -> None:
    """Write the archive of Java classes for the sandbox's Sparks, unless it is there.

    Raises:
        RuntimeError: Spark failed; the message has the end of its output.
    """
    # Port 9 discards: nothing answers there, and nothing is asked twice.
    settings = properties(aws_endpoint="http://127.0.0.1:9", recording=True) | {
        "spark.hadoop.fs.s3a.attempts.maximum": "0",
        "spark.hadoop.fs.s3a.retry.limit": "0",
    }
    with tempfile.TemporaryDirectory() as folder:
        shared_classes.record(spark_environment(write_defaults(Path(folder), settings)), JARS)


def _link_missing(downloaded: Path, classpath: Path) -> None:
    """Link the jars that pyspark does not ship: an older netty before Spark's would stop the session."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise RuntimeError("pyspark is not installed: run `make setup`")
    shipped = {_artifact(jar.name) for jar in (Path(spec.origin).parent / "jars").glob("*.jar")}
    shutil.rmtree(classpath, ignore_errors=True)
    classpath.mkdir(parents=True)
    for jar in downloaded.glob("*.jar"):
        name = jar.name.partition("_")[2]  # Ivy names a jar <organisation>_<artifact>-<version>.jar
        if _artifact(name) not in shipped:
            (classpath / name).symlink_to(jar)


def _artifact(jar: str) -> str:
    return re.sub(r"-\d[^/]*\.jar$", "", jar)


def properties(
    *,
    aws_endpoint: str | None,
    driver_memory: str = "1g",
    cores: int = 2,
    jars: Path = JARS,
    recording: bool = False,
) -> dict[str, str]:
    """Return the settings of a sandbox Spark: Delta, local cores, and `s3://` on `aws_endpoint` if given.

    A Spark that is `recording` writes the archive of classes that the others map.
    """
    shared = shared_classes.options(jars, recording=recording)
    settings = {
        "spark.master": f"local[{cores}]",
        "spark.driver.memory": driver_memory,
        "spark.driver.extraClassPath": f"{jars}/classpath/*",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "4",
        # By default Delta reconstructs the state of every table with 50 tasks, however small it is.
        "spark.databricks.delta.snapshotPartitions": "2",
        # Delta's SQL parser drops the parameters of a statement since Spark 4.1 (delta-io/delta#7640); this
        # binds them after parsing, as Spark 4.0 and Databricks do.
        "spark.sql.legacy.parameterSubstitution.constantsOnly": "true",
        "spark.driver.extraJavaOptions": f"{JAVA_OPTIONS} {shared}",
        **DELTA,
    }
    if aws_endpoint is not None:
        settings |= {
            "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
            "spark.hadoop.fs.AbstractFileSystem.s3.impl": "org.apache.hadoop.fs.s3a.S3A",
            "spark.hadoop.fs.s3a.endpoint": aws_endpoint,
            "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.access.key": "sandbox",
            "spark.hadoop.fs.s3a.secret.key": "sandbox",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        }
    return settings


def write_defaults(folder: Path, settings: dict[str, str]) -> Path:
    """Write `settings` to `spark-defaults.conf` in `folder`, and return that file."""
    folder.mkdir(parents=True, exist_ok=True)
    # Java reads the file as properties, where a backslash begins an escape.
    escaped = {key: value.replace("\\", r"\\").replace("\n", r"\n") for key, value in settings.items()}
    lines = [f"{key} {value}\n" for key, value in sorted(escaped.items())]
    defaults = folder / "spark-defaults.conf"
    defaults.write_text("".join(lines))
    return defaults


def spark_environment(defaults: Path, **more: str) -> dict[str, str]:
    """Return the environment of a process that runs Spark with the settings in the file `defaults`."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_", "AIRFLOW_"))}
    own = {
        "PYSPARK_SUBMIT_ARGS": shlex.join(["--properties-file", str(defaults), "pyspark-shell"]),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
    }
    return inherited | own | more

"""The settings of the job's session: where the cluster's owner has said nothing, and nowhere else."""

import pytest

from cloudtrail_jobs.session import OPEN_SOURCE, configure


@pytest.fixture
def session(spark):
    """The shared session; afterwards it has the settings that it had before."""
    touched = [*OPEN_SOURCE, *(f"spark.hadoop.{name}" for name in OPEN_SOURCE), "spark.sql.session.timeZone"]
    before = {name: spark.conf.get(name, None) for name in touched if name in spark.conf.getAll}
    for name in OPEN_SOURCE:
        spark.conf.unset(name)
    yield spark
    for name in touched:
        if name in before:
            spark.conf.set(name, before[name])
        else:
            spark.conf.unset(name)


def test_each_setting_that_nobody_has_set_is_the_jobs(session):
    configure(session)
    assert {name: session.conf.get(name) for name in OPEN_SOURCE} == OPEN_SOURCE
    assert session.conf.get("spark.sql.session.timeZone") == "UTC"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("spark.sql.files.openCostInBytes", "1"),
        ("parquet.compression.codec.zstd.level", "9"),
        ("spark.hadoop.parquet.compression.codec.zstd.level", "9"),
    ],
)
def test_what_the_clusters_owner_has_set_stays(session, given, value):
    session.conf.set(given, value)
    configure(session)
    name = given.removeprefix("spark.hadoop.")
    assert session.conf.get(given) == value
    assert session.conf.get(name, value) == value
    others = OPEN_SOURCE.keys() - {name}
    assert {other: session.conf.get(other) for other in others} == {o: OPEN_SOURCE[o] for o in others}

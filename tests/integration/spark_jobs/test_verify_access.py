"""The access check on local disk: what it leaves behind, and that it goes on after a failure."""

import os

import pytest

from cloudtrail_jobs import verify_access
from cloudtrail_jobs.errors import AccessError
from tests.integration.spark_jobs.conftest import event


def files_in(folder):
    """Every file but Hadoop's checksums of local files."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".crc")]


def test_it_lists_reads_writes_and_leaves_nothing(lake, spark):
    log = lake.put("a.json.gz", [event(1)])
    target = lake.folder / "delta" / "events" / "_access_check"
    places = {"list": [str(log.parents[4]), str(lake.folder)], "read": [str(log)], "write": [str(target)]}
    outcomes = list(verify_access.check(spark, places))
    assert [(one.step, one.problem) for one in outcomes] == [
        *(("list", ""), ("list", ""), ("read", ""), ("write", ""), ("read back", ""), ("delete", "")),
    ]
    assert not files_in(target)
    assert files_in(lake.folder / "AWSLogs") == [log]


def test_what_an_earlier_check_left_is_replaced_and_every_problem_is_in_one_error(lake, monkeypatch, spark):
    target = lake.folder / "target"
    target.mkdir()
    (target / "part-old.txt").write_text("left by a check that was killed")
    taken = lake.folder / "taken"
    taken.write_text("a file where a folder should be")
    argv = [f"--list={lake.folder}/absent", f"--read={lake.folder}/absent.gz"]
    argv += [f"--write={taken}/below,{target}"]
    monkeypatch.setattr("sys.argv", ["cloudtrail-verify-access", *argv])
    with pytest.raises(AccessError) as failed:
        verify_access.main()
    first, second = failed.value.problems
    assert first.startswith(f"read {lake.folder}/absent.gz: [PATH_NOT_FOUND]")
    assert second.startswith(f"write {taken}/below: ")
    assert not files_in(target)
    assert os.path.exists(taken)

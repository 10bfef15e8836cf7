"""The fake Auto Loader follows what Databricks documents of the real one."""

import json

import pytest

from sandbox.auto_loader.pyspark_auto_loader import globs
from sandbox.auto_loader.pyspark_auto_loader.options import AutoLoaderError, parse
from sandbox.auto_loader.pyspark_auto_loader.source import COLUMNS, Reader, ReadMaxFiles

FORMAT = {"cloudFiles.format": "binaryFile"}
NOTIFICATIONS = {"cloudFiles.useNotifications": "true"}
FILE_EVENTS = {"cloudFiles.useManagedFileEvents": "true"}


# Both tables are those of Databricks, "Common data loading patterns".
@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/a/*/d/", "/a/b/c/d/file.txt"),
        ("/a/*/c/", "/a/b/x/y/c/file.txt"),
        ("/a/*/c", "/a/b/c_file.txt"),
        ("/a/*/c/", "/a/b/c_file.txt"),
        ("/a/*/c", "/a/b/cookie/file.txt"),
    ],
)
def test_only_the_default_globber_spans_folders_and_reads_a_path_as_a_prefix(path, file):
    assert globs.matcher(path, strict=False).fullmatch(file)
    assert not globs.matcher(path, strict=True).fullmatch(file)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("path", "file", "matches"),
    [
        ("/a/b", "/a/b/c/file.txt", True),
        ("/a/b", "/a/b_dir/c/file.txt", False),
        ("/a/b", "/a/b.txt", False),
        ("/a/b/", "/a/b.txt", False),
        ("/a/*/c/", "/a/b/c/file.txt", True),
        ("/a/*/c/", "/a/b/c/d/file.txt", True),
        ("/a/b*", "/a/b.txt", True),
        ("/a/b*", "/a/b/file.txt", True),
        ("/a/{0.txt,1.txt}", "/a/0.txt", True),
        ("/a/*/{0.txt,1.txt}", "/a/0.txt", False),
        ("/a/b/[cde-h]/i/", "/a/b/c/i/file.txt", True),
        ("/a/[^b]/c", "/a/x/c/file.txt", True),
        ("/a/[^b]/c", "/a/b/c/file.txt", False),
        ("/a/{ab,c{de,fh}}/x", "/a/cfh/x/file.txt", True),
        ("/a/{2026/01/{30,31},2026/02}", "/a/2026/01/31/file.txt", True),
        ("/a/{2026/01/{30,31},2026/02}", "/a/2026/01/29/file.txt", False),
    ],
)
def test_both_globbers_agree_on_the_rest(path, file, matches, strict):
    assert bool(globs.matcher(path, strict=strict).fullmatch(file)) is matches


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cloudFiles.recursive": "true"}, "unknown option keys: recursive"),
        (FILE_EVENTS | NOTIFICATIONS, "useManagedFileEvents excludes cloudFiles.useNotifications"),
        (FILE_EVENTS | {"cloudFiles.backfillInterval": "1 day"}, "excludes cloudFiles.backfillInterval"),
        ({"cloudFiles.useStrictGlobber": "yes"}, "neither true nor false"),
        ({"cloudFiles.maxFilesPerTrigger": "0"}, "not a number above 0"),
        ({"cloudFiles.maxBytesPerTrigger": "1 gigabyte"}, "not a byte string"),
        ({"cloudFiles.format": "json"}, "reads binaryFile only"),
    ],
)
def test_what_auto_loader_refuses_is_refused(options, words):
    with pytest.raises(AutoLoaderError, match=words):
        parse(FORMAT | options)


class Stream:
    """A stream over the folder; each run reads what its options let it discover."""

    def __init__(self, folder):
        self.folder, self.offset = folder, None

    def deliver(self, name, size=1):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)

    def run(self, path="*", **options):
        """The names of the files of each micro-batch."""
        reader = Reader(parse(FORMAT | options | {"path": f"{self.folder}/{path}"}), COLUMNS)
        start, batches = self.offset or reader.initialOffset(), []
        reader.prepareForTriggerAvailableNow()
        while (end := reader.latestOffset(start, ReadMaxFiles(1))) != start:
            json.dumps(end)
            files = [file for chunk in reader.partitions(start, end) for file in chunk.files]
            batches.append(sorted(file[0].removeprefix(f"{self.folder}/") for file in files))
            start = end
        self.offset = start
        return batches


@pytest.fixture
def stream(tmp_path):
    return Stream(tmp_path)


def test_a_batch_ends_at_the_limit_that_is_reached_first(stream):
    for name in "abcd":
        stream.deliver(f"1/{name}", size=10)
    assert stream.run(**{"cloudFiles.maxFilesPerTrigger": "3"}) == [["1/a", "1/b", "1/c"], ["1/d"]]
    for name in "efg":
        stream.deliver(f"1/{name}", size=10)
    # The bytes are a soft maximum.
    assert stream.run(**{"cloudFiles.maxBytesPerTrigger": "15b"}) == [["1/e", "1/f"], ["1/g"]]


def test_hidden_files_and_folder_markers_are_no_files(stream):
    for name in ("1/_x", "1/.x", "_1/x", "1/x"):
        stream.deliver(name)
    (stream.folder / "1" / "marker").mkdir()
    assert stream.run() == [["1/x"]]


def test_files_that_are_there_may_be_left_out_and_stay_so(stream):
    stream.deliver("1/a")
    assert stream.run(**{"cloudFiles.includeExistingFiles": "false"}) == [[]]
    stream.deliver("1/b")
    assert stream.run(**{"cloudFiles.includeExistingFiles": "false"}) == [["1/b"]]


@pytest.mark.parametrize("mode", [NOTIFICATIONS, FILE_EVENTS])
def test_a_changed_path_loses_what_is_there_in_a_notification_mode_until_a_listing(stream, mode):
    stream.deliver("1/a")
    stream.deliver("2/a")
    assert stream.run("1", **mode) == [["1/a"]]
    assert stream.run("{1,2}", **mode) == [[]], "the place in the queue moves on"
    stream.deliver("2/b")
    assert stream.run("{1,2}", **mode) == [["2/b"]]
    assert stream.run("{1,2}") == [["2/a"]]


def test_a_changed_path_is_listed_in_listing_mode_and_a_switch_of_the_mode_reads_nothing_twice(stream):
    stream.deliver("1/a")
    stream.deliver("2/a")
    assert stream.run("1") == [["1/a"]]
    assert stream.run("{1,2}") == [["2/a"]]
    assert stream.run("{1,2}", **FILE_EVENTS) == []

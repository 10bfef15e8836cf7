"""Files in volumes, through the SDK and by the bare API."""

import io

import pytest
from databricks.sdk.errors import AlreadyExists, InvalidParameterValue, NotFound

PATH = "/Volumes/main/default/code/a file.bin"
CONTENT = bytes(range(256)) * 1000


def test_a_file_goes_up_and_comes_down_unchanged(databricks):
    files = databricks.sdk().files
    files.upload(PATH, io.BytesIO(CONTENT), overwrite=True)
    assert files.get_metadata(PATH).content_length == len(CONTENT)
    with files.download(PATH).contents as content:
        assert content.read() == CONTENT
    with pytest.raises(AlreadyExists, match="already exists"):
        files.upload(PATH, io.BytesIO(b"other"), overwrite=False)
    files.delete(PATH)
    with pytest.raises(NotFound):
        files.get_metadata(PATH)


def test_an_empty_folder_can_be_deleted_and_no_other(databricks):
    files = databricks.sdk().files
    files.upload("/Volumes/main/default/code/below/file", io.BytesIO(CONTENT))
    with pytest.raises(InvalidParameterValue, match="is not empty"):
        files.delete_directory("/Volumes/main/default/code/below")
    files.delete("/Volumes/main/default/code/below/file")
    files.delete_directory("/Volumes/main/default/code/below")
    with pytest.raises(NotFound):
        files.delete_directory("/Volumes/main/default/code/below")


@pytest.mark.parametrize(
    "path", ["/Volumes/main/default/code", "/Workspace/a/b/c/d", "/Volumes/a/b/../../../d"]
)
def test_a_path_outside_of_a_volume_is_refused(databricks, path):
    answer = databricks.call("PUT", f"/api/2.0/fs/files{path.replace('..', '%2E%2E')}", data=b"x")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Invalid path /")

"""The log files in a table and its quarantine, read without Spark."""

from collections.abc import Mapping

from cloudtrail_to_delta.errors import CloudTrailError

# docs/tables.md describes the columns.
QUERY = "SELECT DISTINCT log_file, log_file_sha256 FROM files WHERE starts_with(log_file, '{root}')"


def table_files(
    delta_path: str, *, root: str, storage_options: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """Read which log files the table and its quarantine hold.

    Args:
        delta_path: the table's folder. Its quarantine is in `<delta_path>_quarantine`.
        root: the folder of the log files, `s3://bucket/…`. Other files of the table are left out.
        storage_options: as for `deltalake.DeltaTable`.

    Returns:
        `s3://bucket/key` → SHA-256 values of the uncompressed file, hexadecimal. There is no value if the
        file could not be read, and there are two if the file was replaced and read again.

    Raises:
        CloudTrailError: if the table cannot be read. A missing quarantine has no files.
    """
    from deltalake import DeltaTable, QueryBuilder
    from deltalake.exceptions import DeltaError, TableNotFoundError

    options = dict(storage_options)
    found: dict[str, set[str]] = {}
    for path in (delta_path, f"{delta_path}_quarantine"):
        try:
            table = DeltaTable(path, storage_options=options)
            query = QUERY.format(root=root.replace("'", "''"))
            for batch in QueryBuilder().register("files", table).execute(query):
                files, hashes = (column.to_pylist() for column in batch.columns)
                for log_file, sha256 in zip(files, hashes, strict=True):
                    found.setdefault(log_file, set()).update({sha256} if sha256 else ())
        except TableNotFoundError as error:
            if path == delta_path:
                raise CloudTrailError(f"no Delta table at {path!r}: check the path") from error
        except (DeltaError, OSError) as error:
            raise CloudTrailError(f"the Delta table at {path!r} cannot be read: {error}") from error
    return {log_file: frozenset(hashes) for log_file, hashes in found.items()}

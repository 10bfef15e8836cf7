"""An error of Spark in one line: what was raised, with the file and the service's words."""

from cloudtrail_jobs.causes import innermost

PYTHON = """[FOREACH_BATCH_USER_FUNCTION_ERROR] Return Message: Traceback (most recent call last):
  File "/x/py4j/clientserver.py", line 644, in _call_proxy
    return_value = getattr(self.pool[obj_id], method)(*params)
                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
"""
JAVA = """py4j.protocol.Py4JJavaError: An error occurred while calling o548.save.
: org.apache.spark.SparkException: [FAILED_READ_FILE] Error while reading file s3://b/a.json.gz.  KD1
\tat org.apache.spark.sql.errors.QueryExecutionErrors$.cannotReadFilesError(QueryExecutionErrors.scala:940)
Caused by: java.io.IOException: Server error
\tat org.apache.hadoop.fs.s3a.S3AInputStream.read(S3AInputStream.java:1)
\t... 24 more
Caused by: software.amazon.awssdk.s3.model.S3Exception: not authorized to perform: kms:Decrypt (Status: 403)
\tat software.amazon.awssdk.core.Call.run(Call.java:1)
"""


def test_the_deepest_cause_comes_first_with_the_file():
    assert innermost(PYTHON * 20 + JAVA) == (
        "s3://b/a.json.gz: S3Exception: not authorized to perform: kms:Decrypt (Status: 403)"
    )


def test_an_error_of_the_job_is_the_cause():
    text = (
        f"{PYTHON}cloudtrail_jobs.errors.BatchChangedError: a file was overwritten.\n\n\tat java.lang\n{JAVA}"
    )
    assert innermost(text) == "BatchChangedError: a file was overwritten."


def test_an_error_without_java_is_what_python_raised():
    assert innermost(f"{PYTHON}ValueError: this\nand that") == (
        "[FOREACH_BATCH_USER_FUNCTION_ERROR] Return Message: ValueError: this and that"
    )

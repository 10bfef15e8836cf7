"""The guide's stream, rebuilt from its description: `python -m tests.benchmarks.contenders.guide LOGS OUT`.

JSON source with the fixed schema, explode, timestamp, partition by date, append to Delta, AvailableNow. Its
two misplaced structs are where the guide has them.
"""

import sys

from tests.benchmarks.contenders.protocol import done, ready
from tests.benchmarks.spark_session import start

MAP = "MAP<STRING, STRING>"
SCHEMA = f"""Records ARRAY<STRUCT<
eventTime: STRING, eventVersion: STRING,
userIdentity: STRUCT<type: STRING, userName: STRING, principalId: STRING, arn: STRING, accountId: STRING,
  accessKeyId: STRING, invokedBy: STRING, identityProvider: STRING,
  sessionContext: STRUCT<attributes: STRUCT<creationDate: STRING, mfaAuthenticated: STRING>>,
  sessionIssuer: STRUCT<accountId: STRING, arn: STRING, principalId: STRING, type: STRING, userName: STRING>,
  webIdFederationData: STRUCT<federatedProvider: STRING, attributes: {MAP}>>,
eventName: STRING, eventSource: STRING, awsRegion: STRING, sourceIPAddress: STRING, userAgent: STRING,
errorCode: STRING, errorMessage: STRING, requestParameters: {MAP}, responseElements: {MAP},
additionalEventData: {MAP}, requestID: STRING, eventID: STRING, readOnly: BOOLEAN, eventType: STRING,
apiVersion: STRING, managementEvent: BOOLEAN, recipientAccountId: STRING, vpcEndpointId: STRING,
eventCategory: STRING, serviceEventDetails: {MAP}, sharedEventID: STRING, resources: ARRAY<{MAP}>,
sessionCredentialFromConsole: STRING, edgeDeviceDetails: STRING,
tlsDetails: STRUCT<tlsVersion: STRING, cipherSuite: STRING, clientProvidedHostHeader: STRING>,
addendum: STRUCT<reason: STRING, updatedFields: STRING, originalRequestID: STRING, originalEventID: STRING>
>>""".replace("\n", " ")


def main() -> None:
    """Ingest LOGS (a glob) into OUT."""
    from pyspark.sql import functions as F  # noqa: N812

    logs, out = sys.argv[1:3]
    spark = start()
    ready()
    records = spark.readStream.format("json").schema(SCHEMA).option("recursiveFileLookup", "true").load(logs)
    moment = F.unix_timestamp("eventTime", "yyyy-MM-dd'T'HH:mm:ss'Z'").cast("timestamp")
    rows = (
        records.select(F.explode("Records").alias("record"))
        .select("record.*")
        .withColumn("timestamp", moment)
        .withColumn("date", F.to_date("timestamp"))
    )
    stream = (
        rows.writeStream.format("delta").partitionBy("date").option("checkpointLocation", f"{out}_checkpoint")
    )
    stream.trigger(availableNow=True).start(out).awaitTermination()
    done()


if __name__ == "__main__":
    main()

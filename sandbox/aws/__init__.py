"""The laptop's AWS: one moto server for S3, IAM, STS, KMS, SNS, SQS and CloudTrail.

Owns what moto does not bring: `SimulatePrincipalPolicy` (`simulator`), a log of the requests served
(`request_log`), S3 content that survives a clean stop (`snapshot`), and the buckets, roles and topics that
the demo starts from (`seed`). Run it with `python -m sandbox.aws --port 5555 --state .sandbox/aws`.
"""

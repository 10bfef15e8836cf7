"""The laptop's AWS: one moto server for S3, IAM, STS, KMS, SNS, SQS and CloudTrail.

This package adds what moto lacks: `SimulatePrincipalPolicy` (`simulator`), a log of the requests served
(`request_log`), S3 content that survives a clean stop (`snapshot`), and the buckets, roles and topics that
the demo starts with (`seed`). Run it with `python -m sandbox.aws --port 5555 --state .sandbox/aws`.
"""

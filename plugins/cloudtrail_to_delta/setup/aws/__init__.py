"""The AWS resources: trail, log bucket, key, topic and roles, with their policies."""

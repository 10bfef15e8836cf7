"""The resources in AWS: trail, log bucket, keys, topic, roles, and the policies of each."""

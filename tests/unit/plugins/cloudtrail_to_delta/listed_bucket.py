"""A bucket that answers ListObjectsV2 as S3 documents it, from sorted keys, and counts the requests."""

from bisect import bisect_left, bisect_right


class ListedBucket:
    """Stands in for a boto3 S3 client that is only asked to list; 200,000 keys cost nothing.

    As S3: keys ascend by their UTF-8 bytes; keys that share the part up to the delimiter after the prefix are
    one common prefix, which counts as one of MaxKeys; StartAfter is exclusive. Where `keys` maps each key to
    more of its entry (`LastModified`, …), the answers have that too.
    """

    def __init__(self, keys):
        self.entries = keys if isinstance(keys, dict) else {}
        self.keys = sorted(set(keys))
        self.requests = []

    def list_objects_v2(self, **asked):
        self.requests.append(asked)
        prefix, delimiter = asked.get("Prefix", ""), asked.get("Delimiter")
        limit, after = min(asked.get("MaxKeys", 1000), 1000), asked.get("StartAfter", "")
        contents, common = [], []
        at = max(bisect_left(self.keys, prefix), bisect_right(self.keys, after))
        while at < len(self.keys) and self.keys[at].startswith(prefix):
            if len(contents) + len(common) == limit:
                break
            key = self.keys[at]
            end = key.find(delimiter, len(prefix)) if delimiter else -1
            if end < 0:
                contents.append({"Key": key} | self.entries.get(key, {}))
                at += 1
            else:
                common.append({"Prefix": key[: end + 1]})
                at = bisect_left(self.keys, key[: end + 1] + "\U0010ffff")
        more = at < len(self.keys) and self.keys[at].startswith(prefix)
        answer = {"IsTruncated": more, "KeyCount": len(contents) + len(common)}
        return (
            answer
            | ({"Contents": contents} if contents else {})
            | ({"CommonPrefixes": common} if common else {})
        )

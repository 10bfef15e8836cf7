"""moto's KMS with keys that AWS manages: `KeyManager` is `AWS`, and their policies cannot be changed.

Source: AWS KMS Developer Guide, "AWS managed keys". The policy is the one that GetKeyPolicy shows for the key
`aws/s3`: it lets the principals of the key's account use it through S3, and nobody else.
"""

import json

from moto.kms.exceptions import AccessDeniedException
from moto.kms.models import KmsBackend

from sandbox.aws.moto_principals import put_key_policy
from sandbox.aws.rules import RULES

S3_ALIAS = "alias/aws/s3"

_make_default = KmsBackend._generate_default_keys


def managed_key(account_keys: KmsBackend, alias: str = S3_ALIAS) -> str:
    """Return the ARN of an account's key that AWS manages; KMS makes the key at its first use."""
    return str(account_keys.keys[account_keys.get_key_id_from_alias(alias) or ""].arn)


def register() -> None:
    """Make managed keys as AWS does; call this after `moto_principals.register`."""
    KmsBackend._generate_default_keys = _make  # type: ignore[method-assign]
    KmsBackend.put_key_policy = _put  # type: ignore[method-assign]


def _make(self: KmsBackend, alias_name: str) -> str | None:
    made = _make_default(self, alias_name)
    if made is not None and RULES.managed_keys_stay_home:
        key = self.keys[made]
        key.key_manager = "AWS"
        key.policy = json.dumps({"Version": "2012-10-17", "Statement": _statements(self)})
    return made


def _statements(keys: KmsBackend) -> list[dict[str, object]]:
    through_s3 = f"s3.{keys.region_name}.amazonaws.com"
    use: dict[str, object] = {
        "Sid": "Allow access through S3 for all principals in the account that are authorized to use S3",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:CallerAccount": keys.account_id, "kms:ViaService": through_s3}},
    }
    look: dict[str, object] = {
        "Sid": "Allow direct access to key metadata to the account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{keys.account_id}:root"},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
        "Resource": "*",
    }
    return [use, look]


def _put(self: KmsBackend, key_id: str, policy: str) -> None:
    if self.keys[self.get_key_id(key_id)].key_manager == "AWS":
        raise AccessDeniedException("AWS manages this key: its policy cannot be changed")
    put_key_policy(self, key_id, policy)

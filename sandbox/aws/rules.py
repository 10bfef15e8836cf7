"""Rules of real AWS that moto does not have: one switch each, all on unless a test turns one off.

A switch exists so that a test can show what a rule is for: with the switch off, the old answer returns.

    POST /sandbox/rules  {"allows_beside_denies": false}
    POST /sandbox/reset  turns every rule on again
"""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(kw_only=True)
class Rules:
    """The switches; each comment has the source of its rule."""

    # SimulatePrincipalPolicy lists the Allow statements that match beside the Deny that decides, although the
    # API reference says that the Deny is the only entry. Source: a published response of the real service
    # (ScottLogic blog, "Automated IAM policy simulator testing", 2025).
    allows_beside_denies: bool = True
    # The caller of a simulation must exist. Source: IAM API Reference, SimulatePrincipalPolicy, errors
    # (NoSuchEntity); published tools therefore use SimulateCustomPolicy for roles.
    unknown_callers: bool = True
    # The key `aws/s3` serves only principals of its own account, and its policy cannot be changed. Sources:
    # AWS KMS Developer Guide, "AWS managed keys"; Amazon S3 User Guide, "Using server-side encryption with
    # AWS KMS keys", on access from other accounts.
    managed_keys_stay_home: bool = True

    # The source of each rule below is in the module that it names.
    # `opt_in`: a region that an account has not enabled does not know the account's credentials.
    opt_in_regions: bool = True
    # `stale_iam`: the first read of a new role does not find it.
    stale_iam_reads: bool = True
    # `cloudtrail.moto_cloudtrail`: GetEventSelectors returns each operator, also those without a value.
    empty_selector_lists: bool = True
    # `cloudtrail.delivery`: CloudTrail needs kms:Decrypt for a bucket with an S3 Bucket Key.
    bucket_keys_need_decrypt: bool = True
    # `moto_organizations`: an organization trail needs trusted access to the organization.
    trusted_access: bool = True
    # `moto_organizations`: a delegated administrator's trail belongs to the management account.
    delegated_trails: bool = True
    # `moto_quotas`: all inline policies of a role together.
    inline_quota: bool = True
    # `moto_s3`: HeadBucket shows the region of a bucket that GetBucketLocation says is in `EU`.
    old_ireland: bool = True
    # `moto_s3`: a bucket of another account answers 403.
    foreign_buckets: bool = True
    # `moto_s3`: the destinations of a bucket's notifications exist.
    notification_destinations: bool = True
    # `authorization.calls`: a HEAD or GET of a missing object needs s3:ListBucket; without it S3 says 403.
    hidden_objects: bool = True
    # `moto_s3`: an object in an archive cannot be read. Source: Amazon S3 API Reference, GetObject, errors.
    archived_objects: bool = True

    def set(self, given: dict[str, Any]) -> None:
        """Turn rules on or off.

        Raises:
            ValueError: for an unknown name, or a value that is neither true nor false.
        """
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(given) - known):
            raise ValueError(f"unknown rules: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        if wrong := sorted(name for name, value in given.items() if not isinstance(value, bool)):
            raise ValueError(f"true or false is needed for {', '.join(wrong)}")
        for name, value in given.items():
            setattr(self, name, value)

    def reset(self) -> None:
        """Turn every rule on."""
        for field in fields(self):
            setattr(self, field.name, True)


RULES = Rules()

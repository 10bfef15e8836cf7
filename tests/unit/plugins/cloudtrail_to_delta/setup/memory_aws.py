"""Accounts in memory, as boto3 clients show them: buckets, keys, topics and trails, for thousands of steps.

CreateTrail and UpdateTrail refuse policies that do not let CloudTrail deliver, by the rules of the sandbox.
"""

# ruff: noqa: N803, ARG002 - the methods have the parameters of boto3's clients

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from cloudtrail_to_delta.setup.resources import TAG, Clouds
from sandbox.aws.cloudtrail.delivery import Delivery

REGION = "us-east-1"


def refusal(code):
    """An answer of a service that refuses a call."""
    return ClientError({"Error": {"Code": code, "Message": "made by the test"}}, "Call")


def get(held, name, code):
    """What is held by this name; the service's error if it does not exist."""
    if name not in held:
        raise refusal(code)
    return held[name]


@dataclass
class Cloud:
    """Everything in all accounts: name or ARN → its settings."""

    organization: str
    buckets: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    topics: dict[str, dict[str, Any]] = field(default_factory=dict)
    trails: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def rights(self, arn: str) -> dict[str, bool]:
        """What a trail may do by the policies of its bucket, key and topic."""
        trail = self.trails[arn]
        account = arn.split(":")[4]
        folders = (account, self.organization) if trail.get("IsOrganizationTrail") else (account,)
        delivery = Delivery(trail_arn=arn, account=account, folders=folders)
        name, prefix = trail["S3BucketName"], trail.get("S3KeyPrefix", "")
        bucket = self.buckets.get(name)
        found = {
            "deliver": bucket is not None
            and not delivery.lacks_in_bucket(
                bucket["policy"] or "{}", bucket_arn=f"arn:aws:s3:::{name}", prefix=prefix
            )
        }
        if key := trail.get("KmsKeyId"):
            held = self.keys[key]
            found["encrypt"] = held["state"] == "Enabled" and not delivery.lacks_in_key(
                held["policy"], key_arn=key
            )
        if topic := trail.get("SnsTopicARN"):
            found["notify"] = topic in self.topics and not delivery.lacks_in_topic(
                self.topics[topic]["policy"], topic_arn=topic
            )
        return found


@dataclass(frozen=True)
class MemoryClouds(Clouds):
    """The clients of accounts in memory."""

    cloud: Cloud = field(default_factory=lambda: Cloud(""), compare=False)

    def aws(self, account, service, region=""):
        """A client with the calls that the set-up makes; an account without a connection has none."""
        assert account in self.connections, f"{account} has no connection"
        return CLIENTS[service](self.cloud, account, region or self.region)

    def s3(self, account):
        """The client of S3 that reaches only buckets of the account: here it has no others."""
        return self.aws(account, "s3")


@dataclass
class Client:
    """The client of one account and region."""

    cloud: Cloud
    account: str
    region: str


class S3(Client):
    def _bucket(self, name, code="NoSuchBucket"):
        return get(self.cloud.buckets, name, code)

    def head_bucket(self, Bucket):
        self._bucket(Bucket, "404")
        return {"BucketRegion": REGION}

    def get_bucket_tagging(self, Bucket):
        tags = self._bucket(Bucket)["tags"]
        if not tags:
            raise refusal("NoSuchTagSet")
        return {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}

    def get_bucket_abac(self, Bucket):
        return {"AbacStatus": {"Status": "Disabled"}}

    def get_bucket_versioning(self, Bucket):
        return {"Status": self._bucket(Bucket)["versioning"]}

    def get_public_access_block(self, Bucket):
        return {"PublicAccessBlockConfiguration": self._bucket(Bucket)["blocks"]}

    def get_bucket_encryption(self, Bucket):
        return {"ServerSideEncryptionConfiguration": self._bucket(Bucket)["encryption"]}

    def get_bucket_lifecycle_configuration(self, Bucket):
        self._bucket(Bucket)
        raise refusal("NoSuchLifecycleConfiguration")

    def list_object_versions(self, Bucket, MaxKeys):
        return {"Versions": self._bucket(Bucket)["objects"][:MaxKeys]}

    def create_bucket(self, Bucket, CreateBucketConfiguration):
        self.cloud.buckets[Bucket] = {
            "account": self.account,
            "tags": {one["Key"]: one["Value"] for one in CreateBucketConfiguration.get("Tags", [])},
            "versioning": "",
            "blocks": {},
            "encryption": {
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}],
            },
            "objects": [],
            "policy": "",
        }

    def put_public_access_block(self, Bucket, PublicAccessBlockConfiguration):
        self._bucket(Bucket)["blocks"] = PublicAccessBlockConfiguration

    def put_bucket_versioning(self, Bucket, VersioningConfiguration):
        self._bucket(Bucket)["versioning"] = VersioningConfiguration["Status"]

    def put_bucket_encryption(self, Bucket, ServerSideEncryptionConfiguration):
        self._bucket(Bucket)["encryption"] = ServerSideEncryptionConfiguration

    def delete_bucket_tagging(self, Bucket):
        self._bucket(Bucket)["tags"] = {}

    def get_bucket_policy(self, Bucket):
        policy = self._bucket(Bucket)["policy"]
        if not policy:
            raise refusal("NoSuchBucketPolicy")
        return {"Policy": policy}

    def put_bucket_policy(self, Bucket, Policy):
        self._bucket(Bucket)["policy"] = Policy

    def delete_bucket_policy(self, Bucket):
        self._bucket(Bucket)["policy"] = ""

    def delete_bucket(self, Bucket):
        del self.cloud.buckets[Bucket]


class Kms(Client):
    def _key(self, name):
        for arn, key in self.cloud.keys.items():
            if name in (arn, arn.rpartition("/")[2], key["alias"]):
                return arn, key
        raise refusal("NotFoundException")

    def describe_key(self, KeyId):
        arn, key = self._key(KeyId)
        return {"KeyMetadata": {"Arn": arn, "KeyId": arn, "KeyState": key["state"], "Description": ""}}

    def get_key_rotation_status(self, KeyId):
        return {"KeyRotationEnabled": self._key(KeyId)[1]["rotation"]}

    def list_resource_tags(self, KeyId):
        tags = self._key(KeyId)[1]["tags"]
        return {"Tags": [{"TagKey": name, "TagValue": value} for name, value in tags.items()]}

    def get_paginator(self, _):
        return self

    def paginate(self):
        return [{"Keys": [{"KeyId": arn} for arn in self.cloud.keys if f":{self.account}:" in arn]}]

    def create_key(self, Description, Tags, Policy):
        arn = f"arn:aws:kms:{REGION}:{self.account}:key/{next(self.cloud.numbers)}"
        tags = {one["TagKey"]: one["TagValue"] for one in Tags}
        self.cloud.keys[arn] = {
            "alias": "",
            "rotation": False,
            "tags": tags,
            "policy": Policy,
            "state": "Enabled",
        }
        return {"KeyMetadata": {"Arn": arn}}

    def create_alias(self, AliasName, TargetKeyId):
        self._key(TargetKeyId)[1]["alias"] = AliasName

    def delete_alias(self, AliasName):
        self._key(AliasName)[1]["alias"] = ""

    def enable_key_rotation(self, KeyId):
        self._key(KeyId)[1]["rotation"] = True

    def get_key_policy(self, KeyId, PolicyName):
        return {"Policy": self._key(KeyId)[1]["policy"]}

    def put_key_policy(self, KeyId, PolicyName, Policy):
        self._key(KeyId)[1]["policy"] = Policy

    def untag_resource(self, KeyId, TagKeys):
        self._key(KeyId)[1]["tags"] = {}

    def schedule_key_deletion(self, KeyId, PendingWindowInDays):
        self._key(KeyId)[1]["state"] = "PendingDeletion"


class Sns(Client):
    def _topic(self, arn):
        return get(self.cloud.topics, arn, "NotFound")

    def get_topic_attributes(self, TopicArn):
        return {"Attributes": {"Policy": self._topic(TopicArn)["policy"]}}

    def set_topic_attributes(self, TopicArn, AttributeName, AttributeValue):
        self._topic(TopicArn)["policy"] = AttributeValue

    def list_tags_for_resource(self, ResourceArn):
        tags = self._topic(ResourceArn)["tags"]
        return {"Tags": [{"Key": name, "Value": value} for name, value in tags.items()]}

    def create_topic(self, Name, Attributes, Tags):
        self.cloud.topics[f"arn:aws:sns:{REGION}:{self.account}:{Name}"] = {
            "policy": Attributes["Policy"],
            "tags": {one["Key"]: one["Value"] for one in Tags},
        }

    def untag_resource(self, ResourceArn, TagKeys):
        self._topic(ResourceArn)["tags"] = {}

    def delete_topic(self, TopicArn):
        del self.cloud.topics[TopicArn]


class CloudTrail(Client):
    def _trail(self, arn):
        return get(self.cloud.trails, arn, "TrailNotFoundException")

    def get_trail(self, Name):
        return {"Trail": {**self._trail(Name), "TrailARN": Name}}

    def list_tags(self, ResourceIdList):
        tags = self._trail(ResourceIdList[0])["tags"]
        listed = [{"Key": name, "Value": value} for name, value in tags.items()]
        return {"ResourceTagList": [{"TagsList": listed}]}

    def get_trail_status(self, Name):
        trail = self._trail(Name)
        return {"IsLogging": trail["logging"], **trail.get("status", {})}

    def get_event_selectors(self, TrailName):
        return {"AdvancedEventSelectors": self._trail(TrailName)["selectors"]}

    def get_insight_selectors(self, TrailName):
        return {"InsightSelectors": []}

    def describe_trails(self):
        own = [arn for arn in self.cloud.trails if self.account in arn]
        return {
            "trailList": [
                {"TrailARN": arn, "Name": arn.rpartition("/")[2], "HomeRegion": REGION} for arn in own
            ]
        }

    def create_trail(self, Name, TagsList, **settings):
        arn = f"arn:aws:cloudtrail:{REGION}:{self.account}:trail/{Name}"
        tags = {one["Key"]: one["Value"] for one in TagsList}
        self._put(arn, {"tags": tags, "selectors": [], "logging": False}, settings)

    def update_trail(self, Name, **settings):
        self._put(Name, self._trail(Name), settings)

    def _put(self, arn, before, settings):
        settings["LogFileValidationEnabled"] = settings.pop(
            "EnableLogFileValidation", before.get("LogFileValidationEnabled", False)
        )
        if "SnsTopicName" in settings:
            settings["SnsTopicARN"] = settings.pop("SnsTopicName")
        self.cloud.trails[arn] = before | settings
        if not all(self.cloud.rights(arn).values()):
            if "S3BucketName" in before:
                self.cloud.trails[arn] = before
            else:
                del self.cloud.trails[arn]
            raise refusal("InsufficientS3BucketPolicyException")

    def put_event_selectors(self, TrailName, AdvancedEventSelectors):
        self._trail(TrailName)["selectors"] = AdvancedEventSelectors

    def start_logging(self, Name):
        self._trail(Name)["logging"] = True

    def delete_trail(self, Name):
        del self.cloud.trails[Name]


class Organizations(Client):
    def describe_organization(self):
        return {
            "Organization": {
                "Id": self.cloud.organization,
                "MasterAccountId": self.account,
                "FeatureSet": "ALL",
            }
        }

    def get_paginator(self, _):
        return self

    def paginate(self):
        return [{"EnabledServicePrincipals": [{"ServicePrincipal": "cloudtrail.amazonaws.com"}]}]


class Tagging(Client):
    def get_paginator(self, _):
        return self

    def paginate(self, TagFilters, ResourceTypeFilters):
        wanted = TagFilters[0]["Values"][0]
        held = {
            **{
                f"arn:aws:s3:::{name}": one
                for name, one in self.cloud.buckets.items()
                if one["account"] == self.account
            },
            **{
                arn: one
                for part in (self.cloud.keys, self.cloud.topics, self.cloud.trails)
                for arn, one in part.items()
                if f":{self.account}:" in arn
            },
        }
        found = [arn for arn, one in held.items() if one["tags"].get(TAG) == wanted]
        tags = [{"Key": TAG, "Value": wanted}]
        return [{"ResourceTagMappingList": [{"ResourceARN": arn, "Tags": tags} for arn in found]}]


CLIENTS = {
    "s3": S3,
    "kms": Kms,
    "sns": Sns,
    "cloudtrail": CloudTrail,
    "organizations": Organizations,
    "resourcegroupstaggingapi": Tagging,
}


def statement_of_others(bucket, arn, organization):
    """The policy of a bucket into which somebody's organization trail delivers."""
    allow = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    source = {"StringEquals": {"aws:SourceArn": arn}}
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": "Acl", **allow, "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}"}
                | {"Condition": source},
                {"Sid": "Write", **allow, "Action": "s3:PutObject", "Condition": source}
                | {
                    "Resource": [
                        f"arn:aws:s3:::{bucket}/AWSLogs/{folder}/*"
                        for folder in (arn.split(":")[4], organization)
                    ]
                },
            ],
        }
    )

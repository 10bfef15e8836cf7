"""The principals of an invented account, as CloudTrail writes them into `userIdentity`.

Source of the shapes: "CloudTrail userIdentity element". sessionIssuer and webIdFederationData are in
sessionContext.
"""

import random
import string
from datetime import datetime, timedelta
from typing import Any

Identity = dict[str, Any]

_ID = string.ascii_uppercase + "234567"
_USERS = ("alice", "bob", "chiara", "deniz", "zoe", "svc-backup", "svc-deploy")
_ROLES = ("app-orders", "app-billing", "etl-nightly", "lambda-thumbnails", "ci-runner", "eks-node")
_SSO_ROLE = "AWSReservedSSO_ReadOnly_5f1c2a9b8e7d6c34"
_PARTNER = "210987654321"
_PROVIDER = "oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/C0FE"


def time_text(moment: datetime) -> str:
    """Return a moment as CloudTrail writes it: UTC, whole seconds, Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Account:
    """The users and roles of account `number`; their ids are the same in all records."""

    def __init__(self, number: str, rng: random.Random) -> None:
        self.number = number
        self._rng = rng
        self._ids = {name: _identifier(rng, 17) for name in (*_USERS, *_ROLES, _SSO_ROLE, "external")}
        self._key_ids = {name: _identifier(rng, 16) for name in _USERS}

    def user(self, _: datetime) -> Identity:
        """An IAM user with a long-lived access key."""
        name = self._rng.choice(_USERS)
        return {
            "type": "IAMUser",
            "principalId": f"AIDA{self._ids[name]}",
            "arn": f"arn:aws:iam::{self.number}:user/{name}",
            "accountId": self.number,
            "accessKeyId": f"AKIA{self._key_ids[name]}",
            "userName": name,
        }

    def role(self, moment: datetime) -> Identity:
        """Return a session of an application's role, on an instance or in a function."""
        name = self._rng.choice(_ROLES)
        identity = self._session(name, f"i-{self._rng.getrandbits(68):017x}", moment, mfa=False)
        if name == "eks-node":
            identity["sessionContext"]["ec2RoleDelivery"] = "2.0"
        return identity

    def person(self, moment: datetime) -> Identity:
        """A person's session through IAM Identity Center, with a second factor."""
        name = self._rng.choice(_USERS[:5])
        identity = self._session(_SSO_ROLE, f"{name}@example.com", moment, mfa=True)
        identity["sessionContext"]["sourceIdentity"] = f"{name}@example.com"
        identity["onBehalfOf"] = {
            "userId": f"{self._rng.getrandbits(40):010x}-1234-5678-90ab-cdef01234567",
            "identityStoreArn": f"arn:aws:identitystore::{self.number}:identitystore/d-9067642ac7",
        }
        return identity

    def pod(self, moment: datetime) -> Identity:
        """Return a session of a role assumed with a web identity; sessionContext names the provider."""
        identity = self._session("eks-node", "orders-6f9c", moment, mfa=False)
        identity["sessionContext"]["webIdFederationData"] = {
            "federatedProvider": f"arn:aws:iam::{self.number}:{_PROVIDER}",
            "attributes": {"aud": "sts.amazonaws.com"},
        }
        return identity

    def root(self, _: datetime) -> Identity:
        """The account's root user."""
        return {
            "type": "Root",
            "principalId": self.number,
            "arn": f"arn:aws:iam::{self.number}:root",
            "accountId": self.number,
            "accessKeyId": "",
        }

    def federated(self, moment: datetime) -> Identity:
        """A session from GetFederationToken."""
        return {
            "type": "FederatedUser",
            "principalId": f"{self.number}:auditor",
            "arn": f"arn:aws:sts::{self.number}:federated-user/auditor",
            "accountId": self.number,
            "accessKeyId": f"ASIA{_identifier(self._rng, 16)}",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "IAMUser",
                    "principalId": f"AIDA{self._ids['svc-backup']}",
                    "arn": f"arn:aws:iam::{self.number}:user/svc-backup",
                    "accountId": self.number,
                    "userName": "svc-backup",
                },
                "webIdFederationData": {},
                "attributes": {"creationDate": time_text(moment), "mfaAuthenticated": "false"},
            },
        }

    def web(self, _: datetime) -> Identity:
        """The caller of AssumeRoleWithWebIdentity, who has no AWS identity yet."""
        provider = f"arn:aws:iam::{self.number}:{_PROVIDER}"
        subject = "system:serviceaccount:shop:orders"
        return {
            "type": "WebIdentityUser",
            "principalId": f"{provider}:sts.amazonaws.com:{subject}",
            "userName": subject,
            "identityProvider": provider,
        }

    def service(self, _: datetime) -> Identity:
        """Return an AWS service that acts for the account."""
        name = self._rng.choice(("ec2", "lambda", "ecs-tasks", "cloudtrail", "autoscaling"))
        return {"type": "AWSService", "invokedBy": f"{name}.amazonaws.com"}

    def partner(self, _: datetime) -> Identity:
        """Return a principal of another account; this account's trail records only the ids."""
        return {
            "type": "AWSAccount",
            "principalId": f"AROA{self._ids['external']}:sync",
            "accountId": _PARTNER,
        }

    def _session(self, role: str, session: str, moment: datetime, *, mfa: bool) -> Identity:
        started = moment - timedelta(seconds=self._rng.randrange(60, 3600))
        return {
            "type": "AssumedRole",
            "principalId": f"AROA{self._ids[role]}:{session}",
            "arn": f"arn:aws:sts::{self.number}:assumed-role/{role}/{session}",
            "accountId": self.number,
            "accessKeyId": f"ASIA{_identifier(self._rng, 16)}",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": f"AROA{self._ids[role]}",
                    "arn": f"arn:aws:iam::{self.number}:role/{role}",
                    "accountId": self.number,
                    "userName": role,
                },
                "webIdFederationData": {},
                "attributes": {"creationDate": time_text(started), "mfaAuthenticated": str(mfa).lower()},
            },
        }


def _identifier(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(_ID, k=length))

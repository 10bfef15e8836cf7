"""Instance profiles: add, edit, list, remove. As in the service, a dry run on AWS precedes the registration.

Source: Databricks REST, Instance Profiles API 2.0: "By default, Databricks validates that it has sufficient
permissions to launch instances with the instance profile. This validation uses AWS dry-run mode". Instead of
a dry run, the stand-in gets the profile and its role from IAM. If it has a deployment role, it also simulates
`iam:PassRole` for that role. The messages of its refusals are the service's and EC2's.
"""

import re
from typing import Any

from databricks.sdk.service.compute import InstanceProfilesAPI
from fastapi import APIRouter

from sandbox.databricks.aws import account_client
from sandbox.databricks.errors import InvalidParameterError, NotFoundError, ResourceAlreadyExistsError
from sandbox.databricks.objects import Objects
from sandbox.databricks.parameters import Parameters
from sandbox.databricks.payloads import Json, checked
from sandbox.databricks.settings import Settings

KIND = "instance_profile"
_PROFILE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:instance-profile/(?:[^/]+/)*(?P<name>[\w+=,.@-]+)")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.+")
FAILED = "Verification of the instance profile failed. AWS error: "


class InstanceProfiles:
    """The routes."""

    def __init__(self, objects: Objects, settings: Settings) -> None:
        self._objects, self._settings = objects, settings

    def router(self) -> APIRouter:
        """Return the routes of the four calls."""
        router = APIRouter()
        root = "/api/2.0/instance-profiles"
        for name in ("add", "edit", "remove"):
            router.add_api_route(f"{root}/{name}", getattr(self, name), methods=["POST"])
        router.add_api_route(f"{root}/list", self.list, methods=["GET"])
        return router

    def add(self, parameters: Parameters) -> Json:
        """Register a profile, after a dry run unless `skip_validation` is true."""
        request = checked(InstanceProfilesAPI.add, parameters)
        arn = request["instance_profile_arn"]
        self._form(request)
        skip = request.pop("skip_validation", False)
        if not skip and not self._objects.get(KIND, arn):
            dry_run(arn, self._settings)
        with self._objects.change():
            if self._objects.get(KIND, arn):
                raise ResourceAlreadyExistsError(f"The instance profile {arn} has already been registered.")
            self._objects.put(KIND, arn, request)
        return {}

    def edit(self, parameters: Parameters) -> Json:
        """Change the role that belongs to a profile."""
        request = checked(InstanceProfilesAPI.edit, parameters)
        self._form(request)
        arn = request["instance_profile_arn"]
        with self._objects.change():
            self._objects.put(KIND, arn, self._known(arn) | request)
        return {}

    def list(self) -> Json:
        """Return the registered profiles."""
        return {"instance_profiles": list(self._objects.all(KIND).values())}

    def remove(self, parameters: Parameters) -> Json:
        """Remove a profile from the workspace; its clusters keep it until their next start."""
        arn = checked(InstanceProfilesAPI.remove, parameters)["instance_profile_arn"]
        with self._objects.change():
            self._known(arn)
            self._objects.remove(KIND, arn)
        return {}

    def _known(self, arn: str) -> Json:
        found = self._objects.get(KIND, arn)
        if found is None:
            raise NotFoundError(f"The instance profile {arn} is not registered.")
        return found

    def _form(self, request: Json) -> None:
        arn, role = request["instance_profile_arn"], request.get("iam_role_arn")
        if not _PROFILE.fullmatch(arn):
            raise InvalidParameterError(f"Invalid instance profile ARN: {arn}")
        if role is not None and not _ROLE.fullmatch(role):
            raise InvalidParameterError(f"Invalid IAM role ARN: {role}")


def dry_run(arn: str, settings: Settings) -> None:
    """Raise unless an instance could be launched with this profile.

    Raises:
        InvalidParameterError: has the service's message, with EC2's reason.
    """
    iam = account_client("iam", settings.aws_endpoint, arn)
    found = _PROFILE.fullmatch(arn)
    name = found["name"] if found else arn
    try:
        profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    except iam.exceptions.NoSuchEntityException:
        profile = {"Arn": "", "Roles": []}
    if profile["Arn"] != arn or not profile["Roles"]:
        # EC2 gives the same answer until a new profile, or its role, has reached all regions.
        raise InvalidParameterError(
            f"{FAILED}Value ({arn}) for parameter iamInstanceProfile.arn is invalid. "
            "Invalid IAM Instance Profile ARN"
        )
    deployment, role = settings.deployment_role, profile["Roles"][0]["Arn"]
    if deployment and not _may_pass(
        account_client("iam", settings.aws_endpoint, deployment), deployment, role
    ):
        raise InvalidParameterError(
            f"{FAILED}You are not authorized to perform this operation. User: {deployment} is not "
            f"authorized to perform: iam:PassRole on resource: {role}"
        )


def _may_pass(iam: Any, deployment: str, role: str) -> bool:
    answer = iam.simulate_principal_policy(
        PolicySourceArn=deployment,
        ActionNames=["iam:PassRole"],
        ResourceArns=[role],
        ContextEntries=[
            {
                "ContextKeyName": "iam:PassedToService",
                "ContextKeyValues": ["ec2.amazonaws.com"],
                "ContextKeyType": "string",
            }
        ],
    )
    return all(one["EvalDecision"] == "allowed" for one in answer["EvaluationResults"])

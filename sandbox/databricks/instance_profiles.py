"""Instance profiles: add, edit, list, remove. Registering one is tried out on AWS first, as the service does.

Source: Databricks REST, Instance Profiles API 2.0: "By default, Databricks validates that it has sufficient
permissions to launch instances with the instance profile. This validation uses AWS dry-run mode". The dry run
is played by asking IAM for the profile and its role and, when the stand-in has a deployment role, by
simulating `iam:PassRole` for it. The words of its refusals are the service's and EC2's.
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
        """The four calls."""
        router = APIRouter()
        root = "/api/2.0/instance-profiles"
        for name in ("add", "edit", "remove"):
            router.add_api_route(f"{root}/{name}", getattr(self, name), methods=["POST"])
        router.add_api_route(f"{root}/list", self.list, methods=["GET"])
        return router

    def add(self, parameters: Parameters) -> Json:
        """Register a profile, tried out unless `skip_validation`."""
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
        """The profiles that are registered."""
        return {"instance_profiles": list(self._objects.all(KIND).values())}

    def remove(self, parameters: Parameters) -> Json:
        """Take a profile out of the workspace; clusters that have it keep it until they start anew."""
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
    """Could an instance be launched with this profile?

    Raises:
        InvalidParameterError: in the service's words, with EC2's reason.
    """
    iam = account_client("iam", settings.aws_endpoint, arn)
    found = _PROFILE.fullmatch(arn)
    name = found["name"] if found else arn
    try:
        profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    except iam.exceptions.NoSuchEntityException:
        profile = {"Arn": "", "Roles": []}
    if profile["Arn"] != arn or not profile["Roles"]:
        # EC2 answers alike while a new profile, or its role, is not yet everywhere.
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

"""The rules of the real service that a laptop does not have by nature. Each is a switch, and all are on.

`--without-rule NAME` turns one off, to show what the rule is for. A rule is here if the stand-in could grant
what the service refuses. What the service refuses of any request's form (`submissions`, `payloads`) has no
switch.
"""

from enum import StrEnum


class Rule(StrEnum):
    """The name of a rule on the command line."""

    # The libraries of a run stay on an existing cluster until it stops, for later runs, and pip skips a wheel
    # whose version is there. Source: databricks/cli, `libs/patchwheel` and issue 2502; Databricks Terraform
    # provider, `databricks_library`: "Libraries are fully removed from the cluster only after restart"; pip:
    # "already installed with the same version as the provided wheel".
    CLUSTER_LIBRARIES = "cluster-libraries"
    # Code finds the packages of the runtime and those that its run or its cluster has installed, and nothing
    # else. Source: Databricks Runtime 17.3 LTS release notes, "Installed Python libraries".
    RUNTIME_PACKAGES = "runtime-packages"
    # Source: Clusters API, `aws_attributes.ebs_volume_count`: "For node types with no instance store, at
    # least one EBS volume needs to be specified; otherwise, cluster creation will fail".
    LOCAL_DISK = "local-disk"
    # Source: Libraries API, `whl`: "make sure the cluster has read access on the library. You may need to
    # launch the cluster with an IAM role to access the S3 URI".
    S3_WHEELS = "s3-wheels"
    # Source: Databricks, "Standard access mode limitations": code cannot reach the instance metadata service,
    # so it has no credentials of the instance profile.
    STANDARD_PROFILE = "standard-profile"
    # Source: "Compute permissions": *Can attach to* runs code, *Can restart* also starts a stopped cluster,
    # *Can manage* also installs libraries. Admins and the creator may everything.
    COMPUTE_PERMISSIONS = "compute-permissions"
    # Source: "Unity Catalog privileges and securable objects"; "Create an external table": USE CATALOG, USE
    # SCHEMA, CREATE TABLE, and CREATE EXTERNAL TABLE on the location; "Using Auto Loader with Unity Catalog":
    # READ FILES on the location of the logs; "SQL warehouse access control": *Can use*.
    CATALOG_GRANTS = "catalog-grants"
    # Source: error class NO_PARENT_EXTERNAL_LOCATION_FOR_PATH: a table of Unity Catalog needs a location over
    # its path; Libraries and Files API: a volume must exist.
    EXTERNAL_LOCATIONS = "external-locations"
    # Source: "Connect to cloud object storage using Unity Catalog": without an instance profile, code reaches
    # exactly what its principal may read and write by external locations.
    PATH_ACCESS = "path-access"
    # Source: Databricks, "Disable access to legacy features in new workspaces", and
    # databricks-sdk, `DisableLegacyAccessAPI`: no hive_metastore, no clusters without isolation. The refusal
    # of SQL is the error condition UC_HIVE_METASTORE_DISABLED_EXCEPTION; no document has that of a cluster.
    LEGACY_FEATURES = "legacy-features"
    # Source: Databricks, "Tutorial: Configure S3 access with an instance profile": code has the access of the
    # profile's role, so the sandbox's AWS judges each of its requests.
    PROFILE_ACCESS = "profile-access"
    # Source: Clusters API, `single_user_name`; the refusal is known from databricks/cli and dbx issues.
    SINGLE_USER = "single-user"


# What is installed with the sandbox and is not part of the runtime.
NOT_OF_THE_RUNTIME = ("isal", "msgspec")

"""The service's error format: an HTTP status and `{"error_code": …, "message": …}`.

ApiError
├── InvalidParameterError      400 INVALID_PARAMETER_VALUE
├── MalformedRequestError      400 MALFORMED_REQUEST
├── InvalidStateError          400 INVALID_STATE
├── PermissionDeniedError      403 PERMISSION_DENIED: a right is missing, here one of a role in AWS
├── NotFoundError              404 RESOURCE_DOES_NOT_EXIST
├── EndpointNotFoundError      404 ENDPOINT_NOT_FOUND
├── AlreadyExistsError         409 ALREADY_EXISTS
├── ResourceAlreadyExistsError 400 RESOURCE_ALREADY_EXISTS, as the older APIs answer
├── CatalogError               404 or 409, with a Unity Catalog error code for each kind of object
├── CredentialMissingError     401, numeric error_code, as the service's gateway answers
├── CredentialInvalidError     403, numeric error_code
└── NotSupportedError          501 NOT_IMPLEMENTED: a valid request that the stand-in does not support

Source: the mapping in `databricks.sdk.errors.platform`; the numeric codes are what the gateway sends.
"""


class ApiError(Exception):
    """An answer other than success; the caller gets `message` unchanged."""

    status: int = 500
    error_code: str | int = "INTERNAL_ERROR"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def body(self) -> dict[str, str | int]:
        """Return the answer's JSON."""
        return {"error_code": self.error_code, "message": self.message}


class InvalidParameterError(ApiError):
    """A parameter is unknown, of the wrong type, or contradicts another one."""

    status = 400
    error_code = "INVALID_PARAMETER_VALUE"


class MalformedRequestError(ApiError):
    """The body is not the JSON object that was expected."""

    status = 400
    error_code = "MALFORMED_REQUEST"


class InvalidStateError(ApiError):
    """The resource is in a state that does not allow the call."""

    status = 400
    error_code = "INVALID_STATE"


class PermissionDeniedError(ApiError):
    """The principal lacks a permission."""

    status = 403
    error_code = "PERMISSION_DENIED"


class NotFoundError(ApiError):
    """The resource does not exist."""

    status = 404
    error_code = "RESOURCE_DOES_NOT_EXIST"


class EndpointNotFoundError(ApiError):
    """The API path does not exist."""

    status = 404
    error_code = "ENDPOINT_NOT_FOUND"


class AlreadyExistsError(ApiError):
    """The resource exists already and must not be replaced."""

    status = 409
    error_code = "ALREADY_EXISTS"


class ResourceAlreadyExistsError(ApiError):
    """The resource exists already, in the format of the older APIs."""

    status = 400
    error_code = "RESOURCE_ALREADY_EXISTS"


class CatalogError(ApiError):
    """An object of Unity Catalog is missing or exists already; each kind of object has its error codes."""

    def __init__(self, message: str, *, kind: str, missing: bool) -> None:
        super().__init__(message)
        self.status = 404 if missing else 409
        self.error_code = f"{kind}_{'DOES_NOT_EXIST' if missing else 'ALREADY_EXISTS'}"


class CredentialMissingError(ApiError):
    """No bearer token was sent."""

    status = 401
    error_code = 401


class CredentialInvalidError(ApiError):
    """The bearer token is not the sandbox's."""

    status = 403
    error_code = 403


class NotSupportedError(ApiError):
    """The service supports the request and the stand-in does not, so the stand-in refuses it."""

    status = 501
    error_code = "NOT_IMPLEMENTED"

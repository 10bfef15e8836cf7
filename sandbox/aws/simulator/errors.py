"""The errors of the simulation, with the error codes of the IAM API.

SimulationError
├── InvalidInputError       InvalidInput, 400: a parameter or a policy that cannot be simulated
└── ValidationError         ValidationError, 400: a parameter outside its bounds
moto raises two more: NoSuchEntity, 404, for an unknown principal; AccessDenied, 403, for another account's.
"""


class SimulationError(Exception):
    """A request that the simulator answers with an error; `code` is that of the API."""

    code = "PolicyEvaluation"


class InvalidInputError(SimulationError):
    """A parameter or policy that cannot be simulated."""

    code = "InvalidInput"


class ValidationError(SimulationError):
    """A parameter outside the bounds of the API's model."""

    code = "ValidationError"

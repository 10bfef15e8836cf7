"""What the simulation refuses, by the error codes of the IAM API.

SimulationError
├── InvalidInputError       InvalidInput, 400: a parameter or a policy that cannot be simulated
└── ValidationError         ValidationError, 400: a parameter outside its bounds
Beside these, moto's own: NoSuchEntity, 404, for no such principal; AccessDenied, 403, for another account's.
"""


class SimulationError(Exception):
    """A request that the simulator answers with an error; `code` is the API's."""

    code = "PolicyEvaluation"


class InvalidInputError(SimulationError):
    """A parameter or policy that cannot be simulated."""

    code = "InvalidInput"


class ValidationError(SimulationError):
    """A parameter outside the bounds of the API's model."""

    code = "ValidationError"

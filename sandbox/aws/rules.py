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

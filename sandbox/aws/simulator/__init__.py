"""IAM's policy simulator, which moto lacks: documents, matching, conditions, decisions, and the API.

Rules from "Policy evaluation logic", "IAM JSON policy elements" and the SimulatePrincipalPolicy page of the
IAM documentation. Where AWS documents no wording or position, the values seen in published responses are
used; docs/adr/0025 says which.
"""

"""IAM's policy simulator, which moto lacks: documents, matching, conditions, decisions, and the API.

The rules come from "Policy evaluation logic", "IAM JSON policy elements" and the SimulatePrincipalPolicy page
of the IAM documentation. If AWS documents no wording or position, the simulator uses values from published
responses; docs/adr/0025 lists them.
"""

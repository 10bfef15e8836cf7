"""The manual steps of the original Databricks guide (2020), as resources to plan, apply and remove.

resources   the interface of a resource: read, wanted, apply, remove
facts       values that a service assigns to a new resource, and their placeholders until then
plan        the difference between the current and the wanted state, for a person to review
planning    turns resources into a plan, for a set-up and for a removal
applying    applies a plan; refuses if the resources have changed, resumes after an interruption
refusals    explains a refused call: the resource, the missing permission, the work done so far
"""

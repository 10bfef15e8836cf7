"""Authorization: policies decide about every request of a user or of a role's session.

`calls` lists the IAM actions and resources that a request needs. `middleware` finds the identity by its
access key, lets the simulator's evaluator decide, and answers as the service does. Keys that IAM has not
issued (the sandbox's, and sessions of roles that do not exist) stand for the account's root user, who may do
everything.
"""

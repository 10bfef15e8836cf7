"""Who may do what: every request of a user or of a role's session is judged by the policies for it.

`calls` says which IAM actions on which resources a request takes; `middleware` finds the identity by its
access key, has the simulator's own evaluator decide, and answers as the service does. Keys that IAM has not
given out (the sandbox's own, the sessions of roles that are not there) stand for the account's root and may
do everything.
"""

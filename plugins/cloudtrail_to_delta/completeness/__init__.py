"""Completeness: what CloudTrail signed, held against what the bucket and the tables hold.

It shares no code with the job, so that each can be checked against the other.
"""

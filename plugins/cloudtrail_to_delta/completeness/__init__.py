"""Completeness: the log files that CloudTrail signed, compared with those in the bucket and in the tables.

This room shares no code with the job, so that each can be checked against the other.
"""

"""Alerts: what is told to people, to whom, and how often.

`events` says what there is to tell, `run` finds it in a DAG run's results, `grouping` decides what is news,
`compose` writes the message, `targets` delivers it, `dispatch` puts these together. Only `state` and
`targets` reach out of the process.
"""

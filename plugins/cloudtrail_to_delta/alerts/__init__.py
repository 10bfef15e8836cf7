"""Alerts: what is told to people, to whom, and how often.

`events` says what there is to tell, `run` and `silence` find it in a DAG run's results, `grouping` decides
what is news, `ending` what is over, `compose` writes the message, `markup` and `targets` deliver it,
`dispatch` puts these together. Only `state` and `targets` reach out of the process.
"""

"""Alerts: which messages people receive, where, and how often.

`records.alert_events` defines the events. `run` and `silence` find them in the results of a DAG run.
`grouping` decides which are news, `ending` which have ended. `compose` writes the message, `markup` and
`targets` deliver it, and `dispatch` connects these steps. Only `state` and `targets` communicate with other
systems.
"""

"""Notifiers: callbacks that alert people to a failed task, and to its recovery."""

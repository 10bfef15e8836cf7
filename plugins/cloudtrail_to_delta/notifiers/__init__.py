"""Notifiers: how a person hears of a failed task."""

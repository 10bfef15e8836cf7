"""Calls to services, and objects for their state, as the operators need them."""

"""HTTP and state objects: what an operator asks of a service."""

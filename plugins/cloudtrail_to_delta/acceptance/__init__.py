"""Read-only probes of real services. Their redacted answers become fixtures of the sandbox."""

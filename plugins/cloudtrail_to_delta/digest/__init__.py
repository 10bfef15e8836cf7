"""The daily security digest: what is asked of the tables, and how the answers read."""

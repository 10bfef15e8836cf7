"""The daily security digest: its queries, and its text."""

"""The params of the DAGs, each declared once: form, contract, accounts.yaml and docs follow from that.

`ingest`, `setup` and `digest` are the tables. A row (`declaration`) holds the check of a param (`values`),
its default, and what the form shows. Rules about combinations of params follow below the rows. `request`
turns valid params into one request per kind. To add a param, add a row.
"""

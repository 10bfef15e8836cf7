"""The params of the DAGs: each is declared once, and form, contract, accounts.yaml and docs are made of that.

`ingest`, `setup` and `digest` are the tables. A row (`declaration`) has the check of a param (`values`), its
default, and what the form shows; the rules on params together stand below the rows. `request` turns sound
params into one request per kind. To add a param, add a row.
"""

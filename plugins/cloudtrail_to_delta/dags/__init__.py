"""The DAGs: the ingest, the set-up and the digest.

factory  what a DAG file calls; the only module here whose interface stays the same between releases
ingest   one of the form, one per account;  setup  likewise;  digest  one
"""

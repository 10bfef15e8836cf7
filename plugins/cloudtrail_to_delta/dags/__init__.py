"""The DAGs: the ingest, the set-up and the digest.

factory  called by DAG files; the only module here with an interface that is stable between releases
ingest   the DAG with the form, and one DAG for each account
setup    the DAG with the form, and one DAG for each account with a block `setup`
digest   one DAG
"""

"""The Databricks stand-in: the REST calls this project uses, run for real on one machine.

`python -m sandbox.databricks --port 5556 --state DIR --aws-endpoint http://127.0.0.1:5555`

It takes a job as the service does and runs the wheel it is given as a process of its own, answers SQL from a
long-lived Spark on real Delta tables, and refuses what the service would refuse. What it does **not** do: it
keeps no jobs (one-time runs only), makes no clusters, and knows no permissions beyond one token.

    edge        errors (the service's form) · payloads (SDK types) · faults (scripted) · gateway · app
    jobs        submissions (rules) · store (SQLite) · states · shapes · scheduler · processes · jobs (routes)
    a run       runner (starts it) · driver (the child process) · libraries (wheels) · pages (run page)
    SQL         statements (routes) · warehouse (states) · proxy and engine (the Spark process) · results
    the rest    compute (clusters, warehouses) · volumes (Files API) · parameters · settings

docs/adr/0020 to 0022 say what was decided and why.
"""

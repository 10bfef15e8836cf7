"""The Databricks stand-in: the REST calls that this project uses, with real jobs and SQL on one machine.

`python -m sandbox.databricks --port 5556 --state DIR --aws-endpoint http://127.0.0.1:5555`

It accepts a job as the service does and runs its wheel in a separate process. It answers SQL from a
long-lived Spark on real Delta tables, and refuses the requests that the service would refuse. It does **not**
store jobs (one-time runs only), launch machines for clusters, or check permissions other than one token.

    edge        errors (the service's form) · payloads (SDK types) · faults (scripted) · gateway · app
    jobs        submissions (rules) · store (SQLite) · states · shapes · scheduler · processes · jobs (routes)
    a run       runner (starts it) · driver (the child process) · libraries (wheels) · pages (run page)
    SQL         statements (routes) · warehouse (states) · proxy and engine (the Spark process) · results
    the rest    compute (clusters, warehouses) · volumes (Files API) · parameters · settings

docs/adr/0004-databricks-stand-in.md have the decisions and their reasons.
"""

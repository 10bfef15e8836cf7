"""The records that tasks leave for other tasks, for later runs and for the pages: one module for each.

| record | written by | as | read by |
|---|---|---|---|
| `preflight.PreflightResult` | `preflight` | its return value | `submit`, `report`, the pages |
| `findings` | `preflight`, also in the set-up | XCom `findings` | alerts, `notify`, the pages |
| `databricks_run` | `submit` | XComs `run_id`, `run_page_url` | `submit`, alerts, the pages |
| `outcome.Outcome` | `validate_rows` | its return value | `report`, `notify`, the pages |
| `details.Details` | `validate_rows` | XCom `details` | the pages |
| `table_event.TableEvent` | `report` | an asset event | `validate_rows`, the digest, other DAGs |
| `notes.Note` | each task that sends alerts | XComs `alerts`, `alert_targets` | the pages |
| `cause.Cause` | each task that sends alerts | one Variable per cause | the same tasks, in later runs |
| `setup.Planned`, `setup.Approval` | `plan`, `approve` | their return values | the set-up's tasks |
| `setup.SetupResult` | `report` in the set-up | its return value | people, other DAGs |

The request classes themselves write what `resolve` returns. `requests` is the part of it that the pages read.

The database may hold records of every earlier release, and anybody may add an asset event. A missing field
has its default (the record is from an earlier release). An unknown field is ignored (it is from a later
release). Any other deviation makes the record unreadable: a task that needs it fails and names it, and the
pages show it as unreadable (`record.read`).
"""

"""What a task leaves for another task, for a later run or for the pages: each record has one module here.

| record | left by | as | read by |
|---|---|---|---|
| `preflight.PreflightResult` | `preflight` | its return value | `submit`, `report`, the pages |
| `findings` | `preflight`, also of the set-up | XCom `findings` | alerts, `notify`, the pages |
| `databricks_run` | `submit` | XComs `run_id`, `run_page_url` | `submit`, alerts, the pages |
| `outcome.Outcome` | `validate_rows` | its return value | `report`, `notify`, the pages |
| `details.Details` | `validate_rows` | XCom `details` | the pages |
| `table_event.TableEvent` | `report` | an asset event | `validate_rows`, the digest, other DAGs |
| `notes.Note` | whatever sends alerts | XComs `alerts`, `alert_targets` | the pages |
| `cause.Cause` | whatever sends alerts | a Variable each | the same, in later runs |
| `setup.Planned`, `setup.Approval` | `plan`, `approve` | their return values | the set-up's tasks |
| `setup.SetupResult` | `report` of the set-up | its return value | people, other DAGs |

What `resolve` returns is written by the requests themselves; `requests` is what the pages read of it.

The database may hold records of every release that ever ran, and anybody may add an asset event. A field
that is missing has its default (an earlier release), and one without a name here is ignored (a later one).
Whatever else is odd makes the record unreadable: a task that needs it fails and says which one it is, the
pages show it as unreadable (`record.read`).
"""

"""Names and literals in SQL, and the error classes of a table that does not exist."""

# Databricks and open-source Spark report an unknown table with one of these error classes.
UNKNOWN_TABLE = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND", "DELTA_TABLE_NOT_FOUND")
UNKNOWN_SCHEMA = ("SCHEMA_NOT_FOUND", "NO_SUCH_CATALOG_EXCEPTION", "CATALOG_NOT_FOUND")
NOT_A_TABLE = "EXPECT_TABLE_NOT_VIEW"


def quote_name(name: str) -> str:
    """Return a one- to three-level name with every part in backticks."""
    return ".".join(f"`{part}`" for part in name.split("."))


def text_literal(text: str) -> str:
    """Return text as a SQL string literal.

    Spark puts the value of a setting in place of `${its.name}`, also within a literal
    (`spark.sql.variable.substitute`), so a dollar sign is escaped too.
    """
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "\\u0024")
    return f"'{escaped}'"

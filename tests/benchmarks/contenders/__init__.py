"""Who is measured: programs that do one piece of work each, when they are told to (see `protocol`)."""

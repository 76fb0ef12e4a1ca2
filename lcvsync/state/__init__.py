"""The state of one shop in one SQLite database: nothing that must survive is held only in memory."""

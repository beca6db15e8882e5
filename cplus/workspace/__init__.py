"""What the shop's staff has for its work and is no history: kept in rows, outside of the log."""

"""The journal's way into the Delta tables: reading, batches, exactly-once commits, maintenance."""

"""One scenario a file: TITLE, and run(record)."""

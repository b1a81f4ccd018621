"""Files of other task trackers, read as tasks: one module for each tool, `source` chooses."""

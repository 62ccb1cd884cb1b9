"""XML state on disk: atomic, fsynced, never deleting what it cannot read."""

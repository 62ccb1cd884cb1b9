"""Objects, registry, jobs, event bus, tasks: what every driver shares."""

"""What the daemon drives. Drivers do not import each other; they meet in core's registry."""

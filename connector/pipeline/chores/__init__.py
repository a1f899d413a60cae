"""What no event asks for: the sweep, regular chores, tasks, backups, retention, alarms, counting."""

"""What stands up: settings, services, and the targets that make them real."""

"""The subcommands of `regauth`, and what only they need."""

"""Where credentials come from: files, helpers, variables and the terminal."""

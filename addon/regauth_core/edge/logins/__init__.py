"""Where credentials are got from: what was asked for, files, helpers and the terminal."""

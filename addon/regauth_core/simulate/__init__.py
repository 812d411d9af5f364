"""A registry that exists only as a scenario: the file's policy, and the server that plays it."""

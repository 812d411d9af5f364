"""The trace, the reports, and the last search for secrets in them."""

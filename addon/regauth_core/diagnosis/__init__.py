"""When a rule is asked, and what becomes of its answer."""

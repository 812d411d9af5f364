"""Real registry clients, run through the addon against scenarios."""

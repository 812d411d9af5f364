"""What each client did about each challenge, and the questions that rules ask."""

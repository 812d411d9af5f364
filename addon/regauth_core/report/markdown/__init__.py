"""The report to paste into an issue."""

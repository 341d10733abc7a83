"""Metrics, rules and scrape configuration as plain typed data."""

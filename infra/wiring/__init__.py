"""Wiring between services: values of one service that others are configured with."""

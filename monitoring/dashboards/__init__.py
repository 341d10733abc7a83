"""Grafana dashboards as code; the page of `slipway report` draws the same panels."""

"""`slipway report`: the dashboards' figures as one self-contained HTML page."""

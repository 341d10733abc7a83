"""What people read about a stack: tables, the summary, the page of `slipway report`."""

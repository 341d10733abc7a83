"""How a `Service` becomes real."""

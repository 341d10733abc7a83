"""The HTTP transport: RSGI application, routes, bodies and their codecs, OpenAPI description."""

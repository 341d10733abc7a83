"""The images that the platform pulls: listed, locked by digest, copied to a private registry.

Registries are spoken to by crane, which reads Docker's own credentials; nothing here does.
"""

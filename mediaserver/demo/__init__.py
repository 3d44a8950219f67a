"""A show on air with nothing else installed: synthetic cameras, a server, a local destination."""

"""The pages: static files, served by mediaserver.api.pages."""

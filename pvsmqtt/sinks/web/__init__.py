"""The status page and what is told over HTTP beside it."""

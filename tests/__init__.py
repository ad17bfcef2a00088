"""A package, so that one test may use another's tools: `from tests.gallery.hub_server import …`."""

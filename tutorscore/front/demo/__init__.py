"""The demo world: an invented marketplace with a past run through the pipeline and a future that arrives in time."""

"""Measurements behind the documents, printed by ``bin/bench``."""

"""Caches: the one live cache class; the policies of the trainer come with it later."""

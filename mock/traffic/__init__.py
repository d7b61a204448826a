"""Real HTTP requests at a given rate: the generator, what it counts, and where it may send."""

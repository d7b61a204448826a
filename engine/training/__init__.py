"""Learning what to cache: environments, algorithms, and judging what they learned."""

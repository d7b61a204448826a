"""A synthetic world: the sample origin, its data and its traffic. Never imported by the engine."""

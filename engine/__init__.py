"""The engine: everything that runs, in the order a datum travels.

collector -> forecast -> broker -> agent -> cache, started and watched by the supervisor.
"""

"""What travels in an export as `serving.py`: the modules of this folder in one file.

They import the standard library, NumPy and onnxruntime alone, and each other. An export joins them
(`engine.export.serving_file`), since a user's program may have its own `engine` or `db`.
"""

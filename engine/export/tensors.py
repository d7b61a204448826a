"""policy.safetensors: every network's arrays, named `network/array`; nothing in it can run."""

from __future__ import annotations

from pathlib import Path

from engine.export.base import Exporter, Subject


class Tensors(Exporter):
    """The weights of all networks with their normalisation."""

    file = "policy.safetensors"

    def write(self, subject: Subject, folder: Path) -> None:
        """Write the arrays."""
        from safetensors.numpy import save

        arrays = {
            f"{name}/{array}": values
            for name, network in subject.policy.networks.items()
            for array, values in network.arrays().items()
        }
        (folder / self.file).write_bytes(save(arrays))

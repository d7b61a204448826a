"""Whether an export works: clean processes load it and decide its golden rows.

They run with `-I`, so that nothing of ours, of the working folder or of the environment is found:
`serving.py` has to do with NumPy and onnxruntime, `policy.pt` with torch.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.errors import ExportError

TIMEOUT_S = 180.0


def verify(folder: Path) -> str:
    """Load and decide in every supported way; returns what the checks said.

    Raises:
        ExportError: one cannot, or decides otherwise; the sentence is the checker's own.
    """
    torch_check = Path(__file__).with_name("torch_check.py")
    checks = {
        "serving.py": [str(folder / "serving.py"), str(folder)],
        "policy.pt": [str(torch_check), str(folder)],
    }
    return " ".join(f"{name}: {_checked(name, check)}" for name, check in checks.items())


def _checked(name: str, arguments: list[str]) -> str:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-B", *arguments],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ExportError(
            f"The check of {name} did not end within {TIMEOUT_S:.0f} s; export again when the "
            "machine is less busy."
        ) from None
    if done.returncode:
        told = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise ExportError(f"The export does not verify and was not kept: {name}: {told}")
    return done.stdout.strip()

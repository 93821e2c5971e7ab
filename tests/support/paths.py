"""Where the repository and its package lie."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

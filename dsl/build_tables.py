"""`python -m tercet.dsl.build_tables`: save the parser's tables after an edit of the grammar."""

from __future__ import annotations

from tercet.dsl.tables import SAVED, save

if __name__ == "__main__":
    save()
    print(f"wrote {SAVED.name}, {SAVED.stat().st_size} bytes")

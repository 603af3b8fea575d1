"""The paper, audited: `docs/paper-audit.md`, made from the specs in this folder.

`page` writes it, `claims` decides what a spec claims, `numbers` computes what is no claim about
every q. `make golden` writes the page, and a test holds it against what the specs say.
"""

__all__ = ["paper_audit"]

from docs.paper_audit.page import paper_audit

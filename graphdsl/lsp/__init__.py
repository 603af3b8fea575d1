"""A language server: what an editor shows of a spec while it is written.

`editor` holds the open texts: it reads each change at once (`analysis`) and derives a text once
typing pauses. `names` says where a name is declared and used; `hovers`, `completions`, `fixes` and
`renames` answer an editor's questions from that. `server` speaks the protocol; it, `outline` and
`places` are the only modules that know pygls.
"""

__all__ = ["serve"]

from graphdsl.lsp.server import serve

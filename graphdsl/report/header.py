"""What the comment at the top of a shipped spec says of its model."""

from __future__ import annotations

__all__ = ["Header", "as_markdown", "read_header"]

import re
from dataclasses import dataclass

_LABEL = re.compile(r"(In the paper|Published|Here): (.*)")


@dataclass(frozen=True, slots=True)
class Header:
    """A sentence, and what stands behind `In the paper:`, `Published:` and `Here:`."""

    sentence: str
    printed: str  #: what the paper prints of it
    published: str  #: the objective in its own paper
    here: str  #: in what this spec differs from either; nothing where it does not
    body: str  #: the spec below it


def read_header(text: str) -> Header:
    r"""Read the header of a spec's text.

    >>> text = "# A model: of one view.\n# Published: E[-log p(x|z)]\n# + a rate.\nmodel one\n"
    >>> read_header(text).published, read_header(text).body
    ('E[-log p(x|z)] + a rate.', 'model one')
    """
    lines = text.splitlines()
    length = next((k for k, line in enumerate(lines) if not line.startswith("#")), len(lines))
    parts: dict[str, list[str]] = {"": []}
    label = ""
    for line in lines[:length]:
        plain = line.lstrip("# ")
        match = _LABEL.fullmatch(plain)
        if match:
            label, plain = match[1], match[2]
        parts.setdefault(label, []).append(plain)
    said = {name: " ".join(words) for name, words in parts.items()}
    return Header(
        sentence=said[""],
        printed=said.get("In the paper", ""),
        published=said.get("Published", ""),
        here=said.get("Here", ""),
        body="\n".join(lines[length:]).strip("\n"),
    )


def as_markdown(said: str) -> str:
    r"""What a header says, for a cell of a table: its formulas keep their signs.

    >>> as_markdown("E[-log p(x|z)], as in `vae`")
    'E\\[-log p(x\\|z)\\], as in `vae`'
    """
    parts = said.split("`")
    plain = [re.sub(r"([\\|_*\[\]])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2]]
    code = [f"`{part.replace('|', chr(92) + '|')}`" for part in parts[1::2]]
    return "".join(text for pair in zip(plain, [*code, ""], strict=True) for text in pair)

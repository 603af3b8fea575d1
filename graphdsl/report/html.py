"""What every page has: its templates, its styles, and a policy that lets nothing else run."""

from __future__ import annotations

__all__ = ["environment", "policy", "resource", "visible_text"]

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def environment() -> Environment:
    """The templates of reports: what they are given is text, unless it says otherwise."""
    return Environment(
        loader=PackageLoader("graphdsl.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def resource(name: str) -> str:
    """The style or the script of that name, which the page holds."""
    return files("graphdsl.report").joinpath("templates", name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """Nothing is fetched, and nothing runs or colours but what stands here."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def visible_text(text: str) -> str:
    """Control characters, which a page would swallow, as signs of their own."""
    return "".join(one if one.isprintable() or one == "\t" else "\ufffd" for one in text)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"

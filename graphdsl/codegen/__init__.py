"""A lowered module to text: the only room that knows jinja2.

Templates hold layout and decide nothing: one frozen view for each, whose fields are exactly the
template's holes.
"""

__all__ = ["render_module"]

from graphdsl.codegen.render import render_module

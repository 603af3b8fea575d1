"""The templates, and the promise that each gets exactly what it asks for."""

from __future__ import annotations

__all__ = ["fill", "holes"]

from dataclasses import fields
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, meta

from graphdsl.codegen.views import HeaderView, ModuleView
from graphdsl.diagnostics import CompilerBug

TEMPLATES: dict[type, str] = {
    HeaderView: "header.py.j2",
    ModuleView: "loss_module.py.j2",
}


def fill(view: HeaderView | ModuleView) -> str:
    """Render the template of a view."""
    name = TEMPLATES[type(view)]
    given = {field.name: getattr(view, field.name) for field in fields(view)}
    return _environment().get_template(name).render(given)


@cache
def holes(template: str) -> frozenset[str]:
    """The names that a template asks for."""
    environment = _environment()
    if environment.loader is None:
        raise CompilerBug("no templates")
    text, _, _ = environment.loader.get_source(environment, template)
    return frozenset(meta.find_undeclared_variables(environment.parse(text)))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("graphdsl.codegen"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        autoescape=False,  # the output is Python, not HTML
    )

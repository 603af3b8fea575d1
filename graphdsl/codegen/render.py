"""A lowered module to Python text: a tree of its class, printed once and checked."""

from __future__ import annotations

__all__ = ["render_module"]

from collections.abc import Sequence
from fractions import Fraction

from graphdsl.codegen.attributes import class_attributes
from graphdsl.codegen.checking import check_emitted
from graphdsl.codegen.constructor import constructor
from graphdsl.codegen.environment import fill
from graphdsl.codegen.header import header, summary
from graphdsl.codegen.methods import ancestral_sample, decode, forward, infer
from graphdsl.codegen.printer import printed_lines
from graphdsl.codegen.tree import Class, Word, words
from graphdsl.codegen.views import ModuleView
from graphdsl.ir.loss import LossModule


def render_module(module: LossModule, constants: Sequence[tuple[str, Fraction]]) -> str:
    """The whole file: the formula, then the code that is that formula."""
    tree = module_class(module)
    imported = sorted({(word.source, word.name) for word in words(tree)}, key=_import_order)
    text = fill(
        ModuleView(
            header=header(module, constants).rstrip(),
            of_torch=tuple(name for source, name in imported if source == "torch"),
            of_runtime=tuple(name for source, name in imported if source != "torch"),
            class_name=module.class_name,
            code="\n".join(printed_lines(tree)),
        )
    )
    check_emitted(text)
    return f"{text}\n"


def module_class(module: LossModule) -> Class:
    """The emitted class as a tree."""
    methods = [constructor(module), forward(module), infer(module)]
    methods += [decode(module)] if module.decoded else []
    methods += [ancestral_sample(module)] if module.drawn else []
    return Class(
        module.class_name,
        Word("Objective"),
        summary(module),
        (*class_attributes(module), *methods),
    )


def _import_order(imported: tuple[str, str]) -> tuple[int, str]:
    """Constants, classes, functions: the order in which formatters sort imports."""
    _, name = imported
    kind = 0 if name.isupper() else (1 if name[:1].isupper() else 2)
    return kind, name

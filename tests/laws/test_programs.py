"""Laws of the programs of emitted modules: what is read has been computed, and each thing once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from graphdsl.ir.loss import LossModule
from graphdsl.ir.statements import Statement
from graphdsl.ir.values import Value
from graphdsl.program.passes.drop_unused import drop_unused, values_read
from graphdsl.program.substitution import inputs, outputs, replaced, values_in
from graphdsl.report import show_program
from tests.corpus import compiling, generated, shipped


def modules() -> Iterator[LossModule]:
    for _, module in compiling(chain(shipped(), generated("programs", share=20))):
        yield module.compiled.module


def methods(module: LossModule) -> Iterator[tuple[str, tuple[Statement, ...], set[Value]]]:
    """Each method, and the values that it is given."""
    yield "forward", module.forward, set()
    yield "infer", module.infer, set()
    yield "decode", module.decode, {value for value, _, _ in module.latents_decoded}
    yield "ancestral_sample", module.ancestral, set()


def test_every_value_is_computed_before_it_is_read() -> None:
    for module in modules():
        for name, statements, given in methods(module):
            known = set(given)
            for one in statements:
                assert known.issuperset(inputs(one)), (module.model, name, one)
                known.update(outputs(one))
            if name == "forward":
                assert known.issuperset(values_read(module.terms)), module.model


def test_every_value_is_computed_once_under_a_name_of_its_own() -> None:
    for module in modules():
        for name, statements, given in methods(module):
            computed = [value for one in statements for value in outputs(one)] + list(given)
            names = [value.name for value in computed]
            assert len(names) == len(set(names)), (module.model, name)
            assert all(map(str.isidentifier, names))
            assert len(statements) == len(set(statements)), (module.model, name)


def test_nothing_is_computed_in_vain() -> None:
    """All but data is needed by a loss: dropping what is unused a second time drops nothing."""
    for module in modules():
        kept = drop_unused(module.forward, values_read(module.terms))
        assert [id(one) for one in kept] == [id(one) for one in module.forward], module.model
        returned = values_in(module.inferred)
        assert drop_unused(module.infer, returned) == module.infer, module.model


def test_dropping_keeps_what_is_asked_for_and_its_order() -> None:
    for module in modules():
        for one in module.forward[:: max(1, len(module.forward) // 3)]:
            asked = outputs(one)
            kept = drop_unused(module.forward, asked)
            known: set[Value] = set()
            for statement in kept:
                assert known.issuperset(inputs(statement))
                known.update(outputs(statement))
            assert known.issuperset(asked[:1])
            places = [module.forward.index(statement) for statement in kept]
            assert places == sorted(places)


def test_values_are_replaced_wherever_they_stand() -> None:
    """Other values throughout, and back again: the program is the one that it was."""
    for module in modules():
        whole = (module.forward, module.terms, module.infer, module.inferred)
        there = {value: Value(f"{value.name}_") for value in values_in(whole)}
        moved = replaced(whole, there)
        assert not there.keys() & set(values_in(moved))
        back = replaced(moved, {other: value for value, other in there.items()})
        assert [id(one) for one in values_in(back)] == [id(one) for one in values_in(whole)]
        assert back == whole


def test_the_program_is_printed_statement_by_statement() -> None:
    for module in modules():
        lines = show_program(module).splitlines()
        assigned = [line for line in lines if re.match(r"  (?!return|given)\w", line)]
        count = sum(len(statements) for _, statements, _ in methods(module))
        assert len(assigned) == count, module.model
        for name, text in _bodies(lines):
            own = next(body for title, body, _ in methods(module) if title == name)
            for one, line in zip(own, text, strict=True):
                left, _, right = line.strip().partition(" = ")
                for value in outputs(one)[:1]:
                    assert re.search(rf"\b{value.name}\b", left)
                for value in _told(one):
                    assert re.search(rf"\b{value.name}\b", right), line


def _bodies(lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    name, body = "", list[str]()
    for line in [*lines, "end:"]:
        if not line.startswith("  "):
            if name:
                yield name, body
            name, body = line.removesuffix(":"), []
        elif not line.startswith(("  return", "  given")):
            body.append(line)


def _told(statement: Statement) -> Iterator[Value]:
    """What a statement is computed from, but for tensors that say how many rows there are."""
    like = getattr(statement, "like", None)
    return (value for value in inputs(statement) if value is not like)

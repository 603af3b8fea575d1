"""What an audit prints is evidence: its sums are read back, and each D follows from its JSON.

The reader knows nothing of how sums are written, but for the notation of the page: `sum(i in 1..8)`
is a sum over the index, and `z[1..8]` a list of members.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, count
from typing import Any, TypeAlias

import numpy as np

from graphdsl.compiler import Compiled, read
from graphdsl.ir.audit import Audit
from graphdsl.ir.information import Atom, CrossEntropy, Entropy, Information, Term
from graphdsl.ir.model import Model
from graphdsl.ir.notation import weight_text
from graphdsl.ir.symbols import ModelRef, NetworkName, Variable, variable
from graphdsl.notation.folding import folded_text
from graphdsl.report import audit_json, audit_text
from tests.corpus import Case, compiling, documented, generated, shipped, some
from tests.laws.masked import masked_spec
from tests.oracles.discrete import (
    Joint,
    conditional_entropy,
    copied,
    mutual_information,
    projection_divergence,
    random_joint,
    total_correlation,
)

Json: TypeAlias = dict[str, Any]  #: an object, as a reader of it has it
MOST = 11  #: variables of a table


def audits(law: str, share: int) -> Iterator[tuple[Case, Compiled, Audit]]:
    """The audit of every spec that compiles."""
    cases = (case.without_assertions() for case in chain(shipped(), documented()))
    for case, module in compiling(chain(cases, generated(law, share)), at_least=0.3):
        yield case, module.compiled, read(module.compiled)


# ---- sums ----------------------------------------------------------------------------------------


def test_printed_sums_are_what_terms_stand_for() -> None:
    """Each summand once, with its weight: nothing is cut, and nothing counted twice."""
    for case, compiled, audit in audits("printed sums", share=15):
        rng = np.random.default_rng(0)
        values = {
            one.name: float(rng.uniform(0.1, 0.9)) for one in compiled.checked.model.parameters
        }
        text = audit_text(audit)
        for term in audit.module.terms:
            printed = summands(printed_after(text, term.name, "stands for"), values)
            assert printed == weighed(term.stands_for, values), f"{case}\n{term.name}"
        constants = text.partition("\nCONSTANTS, dropped\n")[2].partition("\n\n")[0]
        dropped = summands(" ".join(constants.split()), values)
        assert dropped == weighed(audit.module.constants, values), str(case)


def weighed(terms: Sequence[Term], values: Mapping[str, float]) -> Counter[tuple[float, str]]:
    """Atoms and their weights, as they are; in place of an empty sum, nothing."""
    return Counter(
        (round(evaluated(weight_text(one.weight), values), 9), tight(str(one.atom)))
        for one in terms
    )


def printed_after(text: str, name: str, label: str) -> str:
    """What an audit says of a term behind a label, its lines as one."""
    block = re.search(rf"^  (?:\S.* times )?{re.escape(name)} = .*\n((?:    .*\n)+)", text, re.M)
    assert block is not None, name
    line = re.search(rf"^    {label} +(.*(?:\n {{16}}.*)*)", block[1], re.M)
    assert line is not None, name
    return " ".join(line[1].split())


def summands(printed: str, values: Mapping[str, float]) -> Counter[tuple[float, str]]:
    """Every summand of a printed sum, ranges and lists written out."""
    found: Counter[tuple[float, str]] = Counter()
    for sign, body in split(printed):
        factor, rest = factored(body, values)
        for atom in unfolded(rest):
            found[round(sign * factor, 9), tight(listed(atom))] += 1
    return found


def split(printed: str) -> Iterator[tuple[int, str]]:
    """The summands at the outermost level, and their signs."""
    if printed in ("", "0"):
        return
    depth, start, sign = 0, 0, 1
    if printed.startswith("-"):
        start, sign = 1, -1
    for place, letter in enumerate(printed):
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0 and printed[place : place + 3] in (" + ", " - "):
            yield sign, printed[start:place]
            start, sign = place + 3, 1 if printed[place + 1] == "+" else -1
    yield sign, printed[start:]


def factored(body: str, values: Mapping[str, float]) -> tuple[float, str]:
    """A summand's factor, `2*cross` or `(1 + cross)`, and what it multiplies."""
    match = re.match(r"(\([^()]*\)|[\w./*]+) (?=\S)", body)
    if match is not None and set(re.findall(r"[A-Za-z_]\w*", match[1])) <= values.keys():
        return evaluated(match[1], values), body[match.end() :]
    return 1.0, body


def evaluated(weight: str, values: Mapping[str, float]) -> float:
    """A weight as Python would read it: our own printed sums and products."""
    return float(eval(weight, {"__builtins__": {}}, dict(values)))


def unfolded(summand: str) -> Iterator[str]:
    """`sum(i in 2..3) H(x[i] | x[i-1])` for each value of its index."""
    match = re.match(r"sum\((\w) in ([^)]*)\) ", summand)
    if match is None:
        yield summand
        return
    letter, span = match[1], match[2]
    low, _, high = span.partition("..")
    values = range(int(low), int(high) + 1) if high else map(int, span.strip("{}").split(","))
    for value in values:
        written = summand[match.end() :]
        for index, number in ((letter, value), (f"{letter}-1", value - 1)):
            written = re.sub(rf"(?<=[\[(,.]){index}(?=[\]),.])", str(number), written)
        yield written


def test_a_folded_sum_expands_to_its_items() -> None:
    """Chains of one and two steps, pairs, families, grids and growing lists, in whatever order."""
    s, t, u, v, w, x, y, z = (partial(member, head) for head in "stuvwxyz")
    links = [((z(k),), (z(k - 1),)) for k in range(2, 8)]
    made: list[Atom] = [
        *(CrossEntropy(of, given, ModelRef("p", of, given)) for of, given in links),
        *(Entropy((y(k),), (y(k - 1), y(k - 2))) for k in range(3, 9)),
        *(Information((x(i),), (x(j),)) for i in range(1, 5) for j in range(i + 1, 5)),
        *(Entropy((u(i, j),), (u(i, j - 1),)) for i in range(1, 3) for j in range(2, 6)),
        *(Entropy((w(i),)) for i in (1, 2, 4, 9)),
        *(Information((v(n),), tuple(map(v, range(1, n)))) for n in range(2, 9)),
        *(
            Entropy((s(i, n),), (*(s(i, k) for k in range(1, n)), x(2)))
            for i in (1, 2)
            for n in (4, 5, 6)
        ),
        *(
            Entropy((t(i),), tuple(map(v, range(1, 5))), NetworkName("r", (i,)))
            for i in range(1, 5)
        ),
    ]
    chance = random.Random(0)
    for _ in range(50):
        items = chance.sample(made, chance.randint(1, len(made)))
        written, printed = folded_text(items), Counter(map(str, items))
        expanded = (tight(listed(one)) for each in written for one in unfolded(each))
        assert Counter(expanded) == Counter(map(tight, printed.elements()))
    assert folded_text(made[:6]) == ("sum(i in 2..7) E[-log p(z[i]|z[i-1])]",)
    growing = [one for one in made if isinstance(one, Information) and one.left[0].word == "v"]
    assert folded_text(growing[2:]) == ("sum(i in 4..8) I(v[i]; v[1..i-1])",)
    assert folded_text(made[-4:]) == ("sum(i in 1..4) H[r(i)](t[i] | v[1..4])",)


def member(head: str, *index: int) -> Variable:
    return Variable(head, index)


def listed(atom: str) -> str:
    """`z[1..3]` and `u[2,1..3]` as their members."""

    def members(run: re.Match[str]) -> str:
        head, before, low, high = run.groups()
        return ", ".join(f"{head}[{before}{k}]" for k in range(int(low), int(high) + 1))

    return re.sub(r"([A-Za-z_]\w*'*)\[((?:\d+,)*)(\d+)\.\.(\d+)\]", members, atom)


def tight(text: str) -> str:
    return re.sub(r",\s+", ",", text)


# ---- rates to posteriors of some views -----------------------------------------------------------


def test_a_rate_names_the_posteriors_that_it_stands_for() -> None:
    """KL(q(z | x) || q(z | x[i])): each latent with each of the views, and no other."""
    tried = 0
    drawn = generated("rates to views", 12, masked_spec)
    cases = chain(shipped(), (Case(one, TO_VIEWS.format(one)) for one in RATES), drawn)
    for case, made in compiling(cases):
        audit = read(made.compiled)
        for term in audit.module.terms:
            found = re.fullmatch(RATE_TO_VIEWS, term.formula)
            if found is None or term.code.kind != "kl":
                continue
            views = {*audit.model.members(found["head"])}
            atoms = [one.atom for one in term.stands_for]
            asked = {
                (node, *views.intersection(atom.given))
                for atom in atoms
                if isinstance(atom, CrossEntropy | Entropy)
                for node in atom.of
            }
            asked = {each for each in asked if len(each) == 2}  # a node, and one view
            assert pairs_of(found, audit.model) == asked, f"{case}\n{term.formula}"
            tried += 1
    assert tried > len(RATES)


TO_VIEWS = """
model to_views
observed x[1..3] : real[2]
latent z[1..2] : real ~ normal
q {{ x[i] -> z by poe for i in 1..3 }}
p {{ z -> x }}
minimize KL(q || p) + {}
"""
RATES = (
    "KL(q(z | x) || q(z | x[1]))",
    "sum(i in 1..2) KL(q(z | x) || q(z | x[i]))",
    "sum(i in 1..3) KL(q(z | x) || q(z | x[i]))",
    "sum(i in 1..2) KL(q(z[i] | x) || q(z[i] | x[i]))",
    "KL(q(z[1] | x) || q(z[1] | x[2])) + KL(q(z[2] | x) || q(z[2] | x[1]))",
)
#: A sum over i, or none, of rates to posteriors of one view of a family.
RATE_TO_VIEWS = re.compile(
    r"(?:sum_(?:i|\{i in (?P<part>[\d, ]+)\}) )?E_q KL\(q\(.*\) "
    r"\|\| q\((?P<of>[^|]*) \| (?P<head>\w+)\[(?P<index>\w+)\](?: if \w+)?\)\)"
)


def pairs_of(found: re.Match[str], model: Model) -> set[tuple[str, ...]]:
    """Every latent and view that a formula speaks of."""
    views = {one.partition("[")[2][:-1]: one for one in model.members(found["head"])}
    chosen = found["part"].split(", ") if found["part"] else [*views]
    chosen = chosen if found["index"] == "i" else [found["index"]]
    return {
        (node, views[index])
        for name in found["of"].split(", ")
        for index in chosen
        for node in members_named(re.sub(r"\[i\]", f"[{index}]", name), model)
    }


def members_named(name: str, model: Model) -> tuple[str, ...]:
    family = model.family_of(variable(name)) if "[" in name else model.family(name)
    return (name,) if "[" in name else family.nodes


# ---- each D from the JSON alone ------------------------------------------------------------------


def test_each_divergence_follows_from_the_networks_of_the_json() -> None:
    """A reader who has the JSON alone builds G^q and G, and finds D as the audit derives it."""
    tried = 0
    for case, _, audit in audits("outside", share=15):
        content = json.loads(audit_json(audit))
        networks = {one["name"]: one for one in content["networks"]}
        for number, one in zip(count(), content["projections"][:4], strict=False):
            network, below = networks[one["network"]], networks[one["of"]]
            names = {*network["nodes"], *below["nodes"]}
            if any(re.search(r"\[(not )?[A-Z]", name) for name in names):
                continue  # a set that is drawn has no table
            joint = joint_of(content, below, network, np.random.default_rng(number))
            if joint is None:
                continue
            exact = projection_divergence(joint, graph_of(network))
            for form in (("multi_information",), ("local_markov",), ("simplified", "constant")):
                derived = sum(worth(joint, term) for name in form for term in one[name])
                np.testing.assert_allclose(
                    derived, exact, rtol=0, atol=1e-9, err_msg=f"{case}\n{one['network']}"
                )
            tried += 1
    assert tried > 20


def test_each_printed_form_of_a_divergence_has_its_value() -> None:
    """Read back from the page: the result, its definition, and the multi-informations."""
    tried = 0
    drawn = chain(some("printed forms", [*shipped()], 22), generated("printed forms", 5))
    for case, module in compiling((one.without_assertions() for one in drawn), at_least=0.3):
        audit = read(module.compiled)
        content = json.loads(audit_json(audit))
        networks = {one["name"]: one for one in content["networks"]}
        printed = [*printed_projections(audit_text(audit, full=True))]
        assert len(printed) == len(content["projections"]), str(case)
        for number, (one, forms) in enumerate(
            zip(content["projections"][:4], printed, strict=False)
        ):
            network, below = networks[one["network"]], networks[one["of"]]
            names = {*network["nodes"], *below["nodes"]}
            if any(re.search(r"\[(not )?[A-Z]", name) for name in names):
                continue  # a set that is drawn has no table
            joint = joint_of(content, below, network, np.random.default_rng(number))
            if joint is None:
                continue
            exact = projection_divergence(joint, graph_of(network))
            assert len(forms) == 3
            for form in forms:
                read_back = summands(form, {}).items()
                value = sum(
                    weight * times * worth(joint, typed_atom(atom))
                    for (weight, atom), times in read_back
                )
                np.testing.assert_allclose(
                    value, exact, rtol=0, atol=1e-9, err_msg=f"{case}\n{form}"
                )
            tried += 1
    assert tried > 5


def printed_projections(text: str) -> Iterator[list[str]]:
    """Of each projection the sums that equal it as a whole, each as one line."""
    section = text.partition("\nPROJECTIONS\n")[2].partition("\n\n")[0]
    for block in re.split(r"^  (?=D\()", section, flags=re.MULTILINE)[1:]:
        forms = re.findall(r"^    = (.*(?:\n {6,}.*)*)", block, re.MULTILINE)
        lines = [" ".join(form.split()) for form in forms]
        yield [re.sub(r" \((definition, P1|multi-information, eq. 1)\)$", "", one) for one in lines]


def typed_atom(text: str) -> Json:
    """An atom of the page as the JSON has it."""
    found = re.fullmatch(r"(H|I|TC)(?:\[[^\]]*\])?\(([^|]*)(?: \| (.*))?\)", text)
    assert found is not None, text
    parts = [names_of(part) for part in found[2].split(";")]
    given = names_of(found[3] or "")
    named: Json = {"H": {"of": parts[0]}, "I": {"between": parts}, "TC": {"parts": parts}}
    return {"coefficient": "1", "atom": {"type": found[1], "given": given, **named[found[1]]}}


def names_of(text: str) -> list[str]:
    return re.findall(r"[^,\s\[]+(?:\[[^\]]*\])?", text)


def test_a_mixture_is_one_more_root_of_the_json() -> None:
    """Its children depend on each other given what they read, as they do in no other network."""
    mixtures = 0
    cases = (case.without_assertions() for case in chain(shipped(), documented()))
    mixed_ones = [case for case in cases if "by mixture" in case.text]
    for case, made in compiling(some("mixtures of the JSON", mixed_ones, share=5)):
        content = json.loads(audit_json(read(made.compiled)))
        networks = {one["name"]: one for one in content["networks"]}
        model = made.compiled.checked.model
        for network in (model.inference, *model.further):
            found = networks[network.name]
            mixed = {one.selector: {*one.children} for one in network.conditionals if one.mixes}
            assert {*found.get("selectors", [])} == mixed.keys(), str(case)
            assert mixed.keys() <= {*found["nodes"]}, str(case)
            for selector, children in mixed.items():
                ends = [child for parent, child in found["edges"] if parent == selector]
                assert sorted(ends) == sorted(children), str(case)
                assert all(child != selector for _, child in found["edges"]), str(case)
                mixtures += 1
    assert mixtures


def joint_of(
    content: Json,
    below: Json,
    network: Json,
    rng: np.random.Generator,
) -> Joint | None:
    """A random table that follows a distribution of the spec; None where it would be too large."""
    data = [one["name"] for one in content["variables"] if one["role"] != "latent"]
    parents: dict[str, list[str]] = {name: [] for name in below["nodes"]}
    for parent, child in below["edges"]:
        parents.setdefault(parent, [])
        parents[child].append(parent)
    asked = [name for name in network["nodes"] if "'" not in name]
    for name in asked:
        parents.setdefault(name, [])
    needed = set(asked)
    while any(set(parents[name]) - needed for name in needed):
        needed |= {above for name in needed for above in parents[name]}
    parents = {name: above for name, above in parents.items() if name in needed}
    if len(parents) > MOST or (set(asked) - set(below["nodes"]) - set(data)):
        return None
    roots = [name for name in data if name in parents]
    joint = random_joint(parents, roots, 2, rng)
    for copy in network.get("copies", []):
        (source,) = [parent for parent, child in network["edges"] if child == copy][-1:]
        joint = copied(joint, source, copy)
    return joint


def graph_of(network: Json) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
    """G as blocks and their parents; the edge of a copy from its variable is no edge of G."""
    blocks = [tuple(block) for block in network.get("blocks", [])]
    held = {name: block for block in blocks for name in block}
    node = {name: held.get(name, (name,)) for name in network["nodes"]}
    graph: dict[tuple[str, ...], list[tuple[str, ...]]] = {node[name]: [] for name in node}
    edges = list(map(tuple, network["edges"]))
    copies = set(network.get("copies", []))
    for parent, child in edges:
        if child in copies and parent == child.replace("'", ""):
            continue
        if node[parent] not in graph[node[child]]:
            graph[node[child]].append(node[parent])
    return graph


def worth(joint: Joint, term: Json) -> float:
    """A term of the JSON, by enumeration."""
    atom, factor = term["atom"], float(term["coefficient"])
    match atom["type"]:
        case "H":
            return factor * conditional_entropy(joint, atom["of"], atom["given"])
        case "I":
            left, right = atom["between"]
            return factor * mutual_information(joint, left, right, atom["given"])
        case "TC":
            return factor * total_correlation(joint, atom["parts"], atom["given"])
    raise AssertionError(atom)

"""Terms as they are written, in text and in LaTeX: one formula for all members of a family."""

from __future__ import annotations

__all__ = ["AT_ONE_SAMPLE", "formula"]

from collections.abc import Iterable, Sequence
from dataclasses import replace

from graphdsl.bound.draws import draws_used
from graphdsl.bound.models import Auxiliary, Decoder, Encoder, Prior, SubPosterior, is_drawn
from graphdsl.bound.pieces import Piece
from graphdsl.ir.masks import Gate
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional
from graphdsl.ir.notation import Formula
from graphdsl.ir.symbols import NetworkName, Variable, latex_names, latex_word, natural
from graphdsl.notation.folding import in_ranges, listed
from graphdsl.notation.networks import joint_names
from graphdsl.notation.samples import Samples
from graphdsl.notation.sets import sets_of
from graphdsl.notation.sums import counted, joined, over, part, summed

#: How the density of a mixture is estimated.
AT_ONE_SAMPLE = "the mixture's log-density at one sample"


def formula(samples: Samples, group: Sequence[Piece]) -> Formula:
    """A term for one member, or summed over the index in which its members differ."""
    if samples.together:
        return _write_sets(samples, group)
    first = group[0]
    if first.kind in ("kl", "entropy") and first.node in samples.mixed:
        return _of_mixture(samples, group)
    subsets = isinstance(first.ref, SubPosterior) and not is_drawn(first.ref)
    body = _body(samples, group, samples.under, _conditional(samples, samples.base, group))
    if first.kind == "penalty":
        return body
    if len(group) > 1 and (_crossed(samples, group) or _reads_several(group)):
        return joined([formula(samples, [piece]) for piece in group])
    draws = draws_used(group)
    mean = Formula(
        "".join(f"E_{draw} " for draw in draws),
        "".join(f"\\mathbb{{E}}_{{{draw}}}\\," for draw in draws),
    )
    if subsets:
        return _of_subsets(samples, group)
    total = counted(samples, group) if first.among else summed(samples, group)
    return Formula(f"{mean.text}{total.text}{body.text}", f"{mean.latex}{total.latex}{body.latex}")


def _of_subsets(samples: Samples, group: Sequence[Piece]) -> Formula:
    """A rate to posteriors of some experts: a sum over these, and one node for all members."""
    nodes = list(dict.fromkeys(piece.node for piece in group))
    sets = {_experts(piece) for piece in group}
    read = {frozenset(_parents(samples, samples.base, piece)) for piece in group}
    if len(nodes) > 1 and not _own_experts(group):
        if len(read) > 1 or len(group) < len(nodes) * len(sets):
            return joined([formula(samples, [piece]) for piece in group])
        node = _joint(samples.model, nodes)
    else:
        node = _index(nodes)
    encoder = _conditional(samples, samples.base, group)
    body = _named(samples, group, samples.under, encoder, node)
    if len(sets) == 1:
        return body
    if not _singles(group):
        return Formula(f"sum_S {body.text}", f"\\sum_{{S}} {body.latex}")
    total = over(part(samples, sorted((one for (one,) in sets), key=natural)))
    return Formula(f"{total.text}{body.text}", f"{total.latex}{body.latex}")


def _experts(piece: Piece) -> tuple[Variable, ...]:
    """The views of a posterior of some experts."""
    return piece.ref.experts if isinstance(piece.ref, SubPosterior) else ()


def _own_experts(group: Sequence[Piece]) -> bool:
    """Whether each member is compared with the expert of its own index."""
    indices = [(piece.node.member, _experts(piece)[0].member) for piece in group]
    return _singles(group) and all(one == other for one, other in indices)


def _of_mixture(samples: Samples, group: Sequence[Piece]) -> Formula:
    """A rate or an entropy of all that a mixture is of: it has one density."""
    node = _joint(samples.model, [piece.node for piece in group])
    return _named(samples, group, samples.under, _conditional(samples, samples.base, group), node)


def _write_sets(samples: Samples, group: Sequence[Piece]) -> Formula:
    """A term of several networks at once: a sum over S, or that of each where none says it."""
    by_set: dict[NetworkName, list[Piece]] = {}
    for piece in group:
        by_set.setdefault(piece.under, []).append(piece)
    sets = sets_of(samples, {name: [one.node for one in some] for name, some in by_set.items()})
    if sets is None:
        alone = [(replace(samples, under=name, together=()), some) for name, some in by_set.items()]
        return joined([formula(one, some) for one, some in alone])
    given = Formula(f"{sets.head}[S]", f"{latex_word(sets.head)}_{{S}}")
    body = _body(samples, group, f"{samples.base}(S)", given)
    each = Formula(r"sum_{i in S} ", r"\sum_{i \in S} ")
    if not sets.own:
        each = summed(samples, by_set[group[0].under])  # all sets have the same members
    return Formula(
        f"sum_{{{sets.text}}} {each.text}{body.text}",
        f"\\sum_{{{sets.latex}}} {each.latex}{body.latex}",
    )


def _body(samples: Samples, group: Sequence[Piece], at: str, encoder: Formula) -> Formula:
    """A term without its sums: the expectation under a distribution, of what is in it."""
    node = _index([piece.node for piece in group])
    return _named(samples, group, at, encoder, node)


def _named(
    samples: Samples, group: Sequence[Piece], at: str, encoder: Formula, node: tuple[str, str]
) -> Formula:
    """The same, of what `node` names."""
    first = group[0]
    at_latex = at if len(at) == 1 else f"{{{at}}}"
    match first.kind:
        case "penalty":
            atom = first.stands_for[0].atom
            latex = f"\\mathrm{{{first.penalty}}}({first.node.latex})"
            return Formula(str(in_ranges(atom)), latex)
        case "cost":
            model = _conditional(samples, _network_of(first), group)
            bar = Formula(f" | {model.text}" if model.text else "", _mid(model))
            return Formula(
                f"cost({node[0]}{bar.text}, {first.cost})",
                f"\\mathrm{{cost}}({node[1]}{bar.latex},\\ \\mathrm{{{first.cost}}})",
            )
        case "entropy":
            head = "H" if at == "q" else f"H[{at}]"
            inner_text = f"{node[0]} | {encoder.text}"
            return Formula(f"{head}({inner_text})", f"H_{at_latex}({node[1]} {_mid(encoder)})")
        case "reconstruction" | "cross_entropy":
            network = _network_of(first)
            model = _conditional(samples, network, group)
            inner = _distribution(network, node, model)
            return Formula(
                f"E_{at}[-log {inner.text}]", f"\\mathbb{{E}}_{at_latex}[-\\log {inner.latex}]"
            )
        case "kl":
            left = _distribution(samples.base, node, encoder)
            right = _right(samples, group, node)
            return Formula(
                f"E_{at} KL({left.text} || {right.text})",
                f"\\mathbb{{E}}_{at_latex}\\,\\mathrm{{KL}}({left.latex} \\,\\|\\, {right.latex})",
            )


def _network_of(piece: Piece) -> str:
    """Under whose name a model is printed: that of p, of q for a label, or of one that is made."""
    if isinstance(piece.ref, Encoder):
        return piece.ref.conditional.network
    return "p" if isinstance(piece.ref, Decoder) else "r"


def _reads_several(group: Sequence[Piece]) -> bool:
    """Whether its members are compared with experts of several families: `q(z|x)`, `q(z|y)`."""
    refs = [piece.ref for piece in group]
    heads = {
        ref.experts[0].head for ref in refs if isinstance(ref, SubPosterior) and not is_drawn(ref)
    }
    return len(heads) > 1


def _crossed(samples: Samples, group: Sequence[Piece]) -> bool:
    """Whether members are given others, one each: `r(x[1]|z[2])`, which no one index writes."""
    network = "p" if isinstance(group[0].ref, Decoder) else "r"
    if group[0].among or not isinstance(group[0].ref, Decoder | Auxiliary):
        return False
    read: dict[str, list[tuple[Variable, Variable]]] = {}  # by family: who reads which member of it
    for piece in group:
        for name in _parents(samples, network, piece):
            read.setdefault(name.head, []).append((piece.node, name))
    return any(
        len(pairs) == len(group) == len(dict(pairs))
        and len({name for _, name in pairs}) > 1
        and any(name.member != node.member for node, name in pairs)
        for pairs in read.values()
    )


def _right(samples: Samples, group: Sequence[Piece], node: tuple[str, str]) -> Formula:
    ref = group[0].ref
    if isinstance(ref, Prior):
        return Formula(f"p({node[0]})", f"p({node[1]})")
    if isinstance(ref, SubPosterior):
        head = ref.experts[0].head
        if len({_experts(piece) for piece in group}) == 1:
            given = Formula(listed(ref.experts), latex_names(ref.experts))
        elif _singles(group):
            given = Formula(f"{head}[i]", f"{latex_word(head)}_{{i}}")
        else:
            given = Formula(f"{head}[S]", f"{latex_word(head)}_{{S}}")
        mask = _written_mask(ref.conditional.gates, ref.experts, group[0].node)
        if mask:
            given = Formula(f"{given.text} if {mask}", f"{given.latex}^{{{latex_word(mask)}}}")
        return _distribution(ref.conditional.network, node, given)
    if isinstance(ref, Encoder):
        base, parents = ref.conditional.network, ref.conditional.parents
        return _distribution(base, node, Formula(listed(parents), latex_names(parents)))
    network = "p" if isinstance(ref, Decoder) else "r"
    return _distribution(network, node, _conditional(samples, network, group))


def _singles(group: Sequence[Piece]) -> bool:
    return all(
        isinstance(piece.ref, SubPosterior) and len(piece.ref.experts) == 1 for piece in group
    )


def _index(nodes: Sequence[Variable]) -> tuple[str, str]:
    distinct = list(dict.fromkeys(nodes))
    if len(distinct) == 1:
        return distinct[0], distinct[0].latex
    head = distinct[0].head
    return f"{head}[i]", f"{latex_word(head)}_{{i}}"


def _joint(model: Model, nodes: Sequence[Variable]) -> tuple[str, str]:
    """Variables side by side, as text and in LaTeX."""
    written = joint_names(model, nodes)
    return listed(written), latex_names(written)


def _conditional(samples: Samples, network: str, group: Sequence[Piece]) -> Formula:
    """The parents of a group's conditionals: what all share by name, the others by index."""
    parents = [_parents(samples, network, piece) for piece in group]
    gates = _gates(samples, network, group[0])
    heads: dict[str, list[frozenset[Variable]]] = {}
    for head in dict.fromkeys(name.head for given in parents for name in given):
        heads[head] = [frozenset(name for name in given if name.head == head) for given in parents]
    text, latex = [], []
    for head, sets in heads.items():
        members = sorted(sets[0], key=natural)
        whole = len(members) > 1 and set(members) == set(samples.model.members(head))
        written = Formula(listed(members), latex_names(members))
        if len(set(sets)) > 1:
            written = Formula(f"{head}[i]", f"{latex_word(head)}_{{i}}")
        elif whole:
            written = Formula(head, latex_word(head))
        mask = _written_mask(gates, members, group[0].node)
        text.append(f"{written.text} if {mask}" if mask else written.text)
        latex.append(f"{written.latex}^{{{latex_word(mask)}}}" if mask else written.latex)
    return Formula(", ".join(text), ", ".join(latex))


def _gates(samples: Samples, network: str, piece: Piece) -> tuple[Gate, ...]:
    """The learned edges of the conditional that a piece is computed from."""
    if network == "r":
        return ()
    model = samples.model
    source = model.generation if network == "p" else model.inference_of(samples.under)
    conditional = source.conditional_of(piece.node) if source else None
    return conditional.gates if conditional else ()


def _parents(samples: Samples, network: str, piece: Piece) -> tuple[Variable, ...]:
    if isinstance(piece.ref, Auxiliary) and network == "r":
        return piece.ref.given
    model = samples.model
    source = model.generation if network == "p" else model.inference_of(samples.under)
    conditional = source.conditional_of(model.labelled(piece.node)) if source else None
    if conditional is None:
        return ()
    return (*conditional.parents, *_hidden(model, conditional, piece.node, network))


def _hidden(
    model: Model, conditional: Conditional, node: Variable, network: str
) -> tuple[Variable, ...]:
    """What a posterior has besides what its network reads: a selector, or a label."""
    family = model.family_of(node)
    labels = (family.label(node),) if family.labels and network != "p" else ()
    return (*labels, *((conditional.selector,) if conditional.one_expert else ()))


def _distribution(network: str, node: tuple[str, str], given: Formula) -> Formula:
    bar = f" | {given.text}" if given.text else ""
    return Formula(f"{network}({node[0]}{bar})", f"{network}({node[1]}{_mid(given)})")


def _mid(given: Formula) -> str:
    return f" \\mid {given.latex}" if given.latex else ""


def _written_mask(gates: Iterable[Gate], parents: Iterable[Variable], child: Variable) -> str:
    """The mask that stands over some parents of a child; nothing where there is none."""
    wanted = set(parents)
    return next((gate.mask for gate in gates if gate.child == child and gate.parent in wanted), "")

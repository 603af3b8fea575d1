"""Pieces of equal form to loss terms: one line of code for all members of a family."""

from __future__ import annotations

__all__ = ["loss_terms"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.draws import as_block, draws_in
from graphdsl.ir.information import Atom, Term
from graphdsl.ir.loss import Bound, LossTerm, Relation, TermCode
from graphdsl.ir.masks import Gate
from graphdsl.ir.model import Conditional, Model
from graphdsl.ir.notation import latex_name, latex_names, natural, shortened
from graphdsl.ir.statements import Ref
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.lower.bounds import Piece
from graphdsl.lower.chosen import chosen, draws_used
from graphdsl.lower.data import masks
from graphdsl.lower.gating import written_mask
from graphdsl.lower.models import Auxiliary, Decoder, Encoder, Prior, SubPosterior
from graphdsl.lower.runs import PRIORS, ModelKey, Plan
from graphdsl.lower.set_words import sets_of
from graphdsl.lower.slots import Names, member_ref


@dataclass(frozen=True, slots=True)
class _Written:
    """A term as text and as LaTeX."""

    text: str
    latex: str


_NOTHING = _Written("", "")


def loss_terms(
    plans: Mapping[str, Plan], pieces: Iterable[Piece], names: Names
) -> Iterator[LossTerm]:
    """Group pieces that differ in indices alone, and say how each group is computed."""
    told: set[Bound] = set()  # of a block whose members are in several terms, the first tells it
    for group in _groups(plans, pieces).values():
        first = group[0]
        plan = plans[first.under]
        bounds = tuple(dict.fromkeys(bound for piece in group for bound in piece.bounds))
        written = _write(plan, group)
        term = LossTerm(
            name=names.take(f"{_title(plan, first)}{plan.tag}"),
            weight=first.weight,
            code=_sampled(plans, group, _in_bound(plan, group, _code(plans, group))),
            formula=written.text,
            latex=written.latex,
            stands_for=_collected(term for piece in group for term in piece.stands_for),
            relation="surrogate" if first.kind in ("penalty", "cost") else _relation(bounds),
            bounds=tuple(bound for bound in bounds if bound not in told),
            estimator=_estimator(plans, group),
            lines=tuple(sorted({line for piece in group for line in piece.lines})),
        )
        told.update(bounds if first.among else ())
        yield _with_critic(plan, group, term, names)


def _estimator(plans: Mapping[str, Plan], group: Sequence[Piece]) -> str:
    """How a mean over sets is computed, or one that has no closed form, where there is one."""
    draws = draws_used(group)
    if draws:
        return f"one {', '.join(draws)} for each row, drawn uniformly: unbiased"
    if not _is_sampled(plans, group[0]):
        return ""
    return f"log-densities of one sample of {plans[group[0].under].base}: unbiased"


def _is_sampled(plans: Mapping[str, Plan], piece: Piece) -> bool:
    """Whether a rate, or an entropy, has no closed form: that of a flow has none."""
    if piece.kind not in ("kl", "entropy"):
        return False
    left = plans[piece.under].law(piece.node)
    right = "normal"
    if isinstance(piece.ref, Encoder):
        right = plans[piece.ref.network].law(piece.node)
    return "flow" in (left, right) or (left, right) == ("laplace", "full_normal")


def _sampled(plans: Mapping[str, Plan], group: Sequence[Piece], code: TermCode) -> TermCode:
    """What has no closed form is told by the sample at hand, and its density."""
    if not _is_sampled(plans, group[0]):
        return code
    plan, nodes = plans[group[0].under], tuple(dict.fromkeys(piece.node for piece in group))
    flow = plan.law(nodes[0]) == "flow"
    density = f"log_{plan.posterior[nodes[0]][0]}" if flow else ""
    return replace(code, value=plan.value(nodes), density=density)


def _with_critic(plan: Plan, group: Sequence[Piece], term: LossTerm, names: Names) -> LossTerm:
    """A network that is trained against its term: it predicts as well as it can."""
    ref = group[0].ref
    if not isinstance(ref, Auxiliary) or not ref.adversary:
        return term
    nodes = tuple(dict.fromkeys(piece.node for piece in group))
    target, held = plan.likelihood[_critic_key(ref)]
    return replace(
        term,
        relation="saddle",
        estimator="a predictor that plays against the term",
        critic=names.take(f"critic_{plan.model.family_of(ref.node).local}{plan.tag}"),
        critic_code=replace(
            term.code,
            left=member_ref(target, nodes, held),
            among=None,
            held=plan.under == "p" or plan.model.family_of(ref.node).role == "latent",
        ),
    )


def _collected(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Equal atoms together, in the order in which they first come."""
    weights: dict[Atom, Weight] = {}
    for term in terms:
        weights[term.atom] = weights.get(term.atom, ZERO) + term.weight
    return tuple(Term(weight, atom) for atom, weight in weights.items() if weight)


def _groups(plans: Mapping[str, Plan], pieces: Iterable[Piece]) -> dict[object, list[Piece]]:
    groups: dict[object, list[Piece]] = {}
    for piece in pieces:
        groups.setdefault(_key(plans, piece), []).append(piece)
    apart: dict[object, list[Piece]] = {}
    for key, group in groups.items():
        for piece in group:
            own = (key, "") if _is_product(group) else (key, piece.node)
            apart.setdefault(own, []).append(piece)
    return apart


def _is_product(group: Sequence[Piece]) -> bool:
    """Whether every variable of a group stands against the same sub-posteriors, if any."""
    subsets = {(p.node, p.ref.experts) for p in group if isinstance(p.ref, SubPosterior)}
    nodes, experts = {node for node, _ in subsets}, {one for _, one in subsets}
    return len(subsets) == len(nodes) * len(experts)


def _key(plans: Mapping[str, Plan], piece: Piece) -> object:
    """What pieces of one term have in common: the tensors they are in, and their weight."""
    plan = plans[piece.under]
    home = plan.posterior.get(piece.node, ("", ()))[0]
    ref = piece.ref
    model: object = type(ref).__name__
    if isinstance(ref, Decoder | Auxiliary):
        model = plan.likelihood[_model_key(ref)][0]
    elif isinstance(ref, Encoder) and piece.kind in ("reconstruction", "cost"):
        model = plan.likelihood[_model_key(ref)][0]
    elif isinstance(ref, SubPosterior) and _is_drawn(ref):
        model = plan.drawn_posterior[ref.network, piece.node, ref.experts[0]][0]
    elif isinstance(ref, SubPosterior):
        model = plan.subset_of[ref.network, piece.node, ref.experts][0]
    elif isinstance(ref, Encoder):
        model = ref.network
    kind = piece.kind, piece.cost, piece.environment
    return kind, plan.under, home, model, piece.weight, piece.among


def _is_drawn(ref: object) -> bool:
    """Whether a model is q(z|x[S]) of a set that is drawn."""
    return isinstance(ref, SubPosterior) and as_block(ref.experts[0]) is not None


def _model_key(ref: Decoder | Auxiliary | Encoder) -> ModelKey:
    if isinstance(ref, Encoder):  # of a label: q's own network for what it labels
        return ModelKey(ref.network, ref.node)
    if isinstance(ref, Decoder):
        return ModelKey("p", ref.node, (), ref.frozen)
    return ModelKey("r", ref.node, ref.given, ref.adversary)


def _critic_key(ref: Auxiliary) -> ModelKey:
    return ModelKey("r", ref.node, ref.given)


def _code(plans: Mapping[str, Plan], group: Sequence[Piece]) -> TermCode:
    first = group[0]
    plan = plans[first.under]
    nodes = tuple(dict.fromkeys(piece.node for piece in _in_order(plan, group)))
    if first.kind in ("reconstruction", "cost"):
        return TermCode(
            kind=first.kind,
            word=first.cost or "",
            left=_model_ref(plan, first, nodes),
            right=_in_common(plan, plan.value(nodes)),
            among=chosen(plan.model, first.among, nodes) if first.among else None,
        )
    if first.kind == "penalty":
        return _penalty_code(plan, first, nodes)
    posterior, held = plan.posterior[first.node]
    left = member_ref(posterior, nodes, held)
    if first.kind == "entropy":
        return TermCode(kind="entropy", left=left, right=None)
    if first.kind == "cross_entropy":
        return TermCode(
            kind="cross_entropy", left=_model_ref(plan, first, nodes), right=plan.value(nodes)
        )
    return _rate_code(plans, group, left, nodes)


def _rate_code(
    plans: Mapping[str, Plan], group: Sequence[Piece], left: Ref, nodes: tuple[str, ...]
) -> TermCode:
    """KL of a posterior and whatever it stands against."""
    first = group[0]
    plan = plans[first.under]
    if isinstance(first.ref, Prior):
        law = plan.model.family_of(first.node).distribution.law
        return TermCode(kind="kl", left=left, right=None, prior=PRIORS[law])
    if isinstance(first.ref, SubPosterior) and _is_drawn(first.ref):
        ref = first.ref
        drawn, there = plan.drawn_posterior[ref.network, first.node, ref.experts[0]]
        return TermCode(kind="kl", left=left, right=member_ref(drawn, nodes, there))
    if isinstance(first.ref, SubPosterior):
        return TermCode(kind="kl", left=left, right=_subsets(plan, group), broadcast=True)
    if isinstance(first.ref, Encoder):
        asked = first.ref.network, first.node
        other, there = plan.compared.get(asked) or plans[asked[0]].posterior[first.node]
        return TermCode(kind="kl", left=left, right=member_ref(other, nodes, there))
    return TermCode(kind="kl", left=left, right=_model_ref(plan, first, nodes))


def _in_order(plan: Plan, group: Sequence[Piece]) -> Sequence[Piece]:
    """Members as their tensor has them, in whichever of several sets they come first."""
    return sorted(group, key=lambda one: natural(one.node)) if plan.together else group


def _in_common(plan: Plan, ref: Ref) -> Ref:
    """Data, which the terms of several sets at once have in common."""
    return replace(ref, in_sets=True) if plan.together else ref


def _penalty_code(plan: Plan, piece: Piece, nodes: tuple[str, ...]) -> TermCode:
    family = plan.model.family_of(piece.environment)
    return TermCode(
        kind="penalty",
        left=_model_ref(plan, piece, nodes),
        right=plan.value(nodes),
        word="irm_penalty",
        samples=((plan.value((piece.environment,)),),),
        classes=family.classes or 2,
        whole=family.classes is not None,
    )


def _in_bound(plan: Plan, group: Sequence[Piece], code: TermCode) -> TermCode:
    """A term with what a row must have for it; of all listed subsets, their views."""
    seen = _seen(plan, group)
    attribute, experts = plan.listed.get(code.right.name if code.right else "", ("", ()))
    whole = code.right is not None and code.right.places is None and len(seen) > 1
    family = plan.model.family_of(experts[0]) if experts else None
    if whole and family is not None and experts == family.nodes:
        return replace(code, seen=((Ref(f"seen_{family.local}"),),), subsets=attribute)
    return replace(code, seen=seen)


def _seen(plan: Plan, group: Sequence[Piece]) -> tuple[tuple[Ref, ...], ...]:
    """What a row must have for a term to be in its bound; nothing where every row has it all."""
    model = plan.model
    if plan.under == "p":
        return ()  # samples of p lack nothing
    needed: dict[object, tuple[Ref, ...]] = {}
    for piece in _in_order(plan, group):
        own = (piece.node,) if piece.kind in ("reconstruction", "cost") else ()
        match piece.ref:
            case Auxiliary(given=given):
                needed[piece.node] = masks(model, (*own, *given))
            case Encoder(conditional=conditional):
                # A product of experts says what it can of a label from the views that there are.
                read = () if own and conditional.by == "poe" else conditional.parents
                needed[piece.node] = masks(model, (*own, *read))
            case SubPosterior() if _is_drawn(piece.ref):
                needed[piece.node] = ()
            case SubPosterior(experts=experts, network=network):
                place = plan.subset_of[network, piece.node, experts][1]
                needed[place] = masks(model, experts)
            case _:
                needed[piece.node] = masks(model, own)
    if not any(needed.values()):
        return ()
    several = _side_by_side(model, tuple(needed.values()))
    return tuple(tuple(_in_common(plan, ref) for ref in refs) for refs in several)


def _side_by_side(model: Model, needed: tuple[tuple[Ref, ...], ...]) -> tuple[tuple[Ref, ...], ...]:
    """Masks of one family's members are members of one tensor; one that all share stands once."""
    if len(set(needed)) == 1:
        return needed[:1]
    places = [refs[0].places for refs in needed if len(refs) == 1]
    names = {ref.name for refs in needed for ref in refs}
    if len(needed) < 2 or len(places) < len(needed) or len(names) > 1:
        return needed
    (name,) = names
    family = next(one for one in model.families if f"seen_{one.local}" == name)
    along = tuple(place for found in places for place in found or ())
    whole = along == tuple(range(len(family.nodes)))
    return ((Ref(name) if whole else Ref(name, along),),)


def _model_ref(plan: Plan, piece: Piece, nodes: Sequence[str]) -> Ref:
    if not isinstance(piece.ref, Decoder | Auxiliary | Encoder):
        raise CompilerBug("a term is computed from a model that has no run of its own")
    target, held = plan.likelihood[_model_key(piece.ref)]
    return member_ref(target, nodes, held)


def _subsets(plan: Plan, group: Sequence[Piece]) -> Ref:
    """Which of the sub-posteriors a term compares with."""
    places, name = [], ""
    for piece in group:
        if not isinstance(piece.ref, SubPosterior):
            raise CompilerBug("a term mixes sub-posteriors with other models")
        name, place = plan.subset_of[piece.ref.network, piece.node, piece.ref.experts]
        if place not in places:
            places.append(place)
    known = {place for held, place in plan.subset_of.values() if held == name}
    return Ref(name) if set(places) == known else Ref(name, tuple(places))


def _title(plan: Plan, piece: Piece) -> str:
    family = plan.model.family_of(piece.node).local
    block = as_block(piece.among)
    among = "" if block is None else f"{'_not' * block.outside}_{block.draw}"
    match piece.kind, piece.ref:
        case "cost", _:
            return f"{piece.cost}_cost_{family}{among}"
        case "reconstruction", Decoder():
            return f"reconstruction_{family}{among}"
        case "reconstruction", _:
            return f"prediction_{family}{among}"
        case ("entropy" | "penalty" | "cross_entropy") as kind, _:
            return f"{kind}_{family}"
        case _, SubPosterior(experts=experts):
            return f"rate_{family}_{'_'.join(draws_in(experts)) or 'each'}"
        case _, Encoder():
            return f"rate_{family}_other"
        case _, Auxiliary():
            return f"rate_{family}_auxiliary"
        case _:
            return f"rate_{family}"


def _relation(bounds: Sequence[Bound]) -> Relation:
    if not bounds:
        return "equal"
    return "upper" if all(bound.certified for bound in bounds) else "surrogate"


# ---- how terms are written --------------------------------------------------------------------


def _write(plan: Plan, group: Sequence[Piece]) -> _Written:
    """A term for one member, or summed over the index in which its members differ."""
    if plan.together:
        return _write_sets(plan, group)
    first = group[0]
    subsets = isinstance(first.ref, SubPosterior) and not _is_drawn(first.ref)
    body = _body(plan, group, plan.under, _conditional(plan, plan.base, group))
    if first.kind == "penalty":
        return body
    if len(group) > 1 and _crossed(plan, group):
        return _joined([_write(plan, [piece]) for piece in group])
    draws = draws_used(group)
    mean = _Written(
        "".join(f"E_{one} " for one in draws),
        "".join(f"\\mathbb{{E}}_{{{one}}}\\," for one in draws),
    )
    total = _counted(plan, group) if first.among else _summed(plan, group, subsets)
    return _Written(f"{mean.text}{total.text}{body.text}", f"{mean.latex}{total.latex}{body.latex}")


def _write_sets(plan: Plan, group: Sequence[Piece]) -> _Written:
    """A term of several networks at once: a sum over S, or that of each where none says it."""
    by_set: dict[str, list[Piece]] = {}
    for piece in group:
        by_set.setdefault(piece.under, []).append(piece)
    sets = sets_of(plan, {name: [one.node for one in some] for name, some in by_set.items()})
    if sets is None:
        alone = [(replace(plan, under=name, together=()), some) for name, some in by_set.items()]
        return _joined([_write(one, some) for one, some in alone])
    given = _Written(f"{sets.head}[S]", f"{latex_name(sets.head)}_{{S}}")
    body = _body(plan, group, f"{plan.base}(S)", given)
    each = _Written(r"sum_{i in S} ", r"\sum_{i \in S} ")
    if not sets.own:
        each = _summed(plan, by_set[group[0].under], False)  # all sets have the same members
    return _Written(
        f"sum_{{{sets.text}}} {each.text}{body.text}",
        f"\\sum_{{{sets.latex}}} {each.latex}{body.latex}",
    )


def _joined(several: Sequence[_Written]) -> _Written:
    """Several terms in one."""
    text = " + ".join(shortened([one.text for one in several], "..."))
    latex = " + ".join(shortened([one.latex for one in several], r"\dots"))
    return _Written(f"({text})", f"({latex})")


def _body(plan: Plan, group: Sequence[Piece], at: str, encoder: _Written) -> _Written:
    """A term without its sums: the expectation under a distribution, of what is in it."""
    first = group[0]
    node = _index(plan, [piece.node for piece in group])
    at_latex = at if len(at) == 1 else f"{{{at}}}"
    match first.kind:
        case "penalty":
            atom = first.stands_for[0].atom
            return _Written(str(atom), f"\\mathrm{{irm}}({latex_names((first.node,))})")
        case "cost":
            model = _conditional(plan, _network_of(first), group)
            bar = _Written(f" | {model.text}" if model.text else "", _mid(model))
            return _Written(
                f"cost({node[0]}{bar.text}, {first.cost})",
                f"\\mathrm{{cost}}({node[1]}{bar.latex},\\ \\mathrm{{{first.cost}}})",
            )
        case "entropy":
            head = "H" if at == "q" else f"H[{at}]"
            inner_text = f"{node[0]} | {encoder.text}"
            return _Written(f"{head}({inner_text})", f"H_{at_latex}({node[1]} {_mid(encoder)})")
        case "reconstruction" | "cross_entropy":
            network = _network_of(first)
            model = _conditional(plan, network, group)
            inner = _distribution(network, node, model)
            return _Written(
                f"E_{at}[-log {inner.text}]", f"\\mathbb{{E}}_{at_latex}[-\\log {inner.latex}]"
            )
        case "kl":
            left = _distribution(plan.base, node, encoder)
            right = _right(plan, group, node)
            return _Written(
                f"E_{at} KL({left.text} || {right.text})",
                f"\\mathbb{{E}}_{at_latex}\\,\\mathrm{{KL}}({left.latex} \\,\\|\\, {right.latex})",
            )


def _network_of(piece: Piece) -> str:
    """Under whose name a model is printed: that of p, of q for a label, or of one that is made."""
    if isinstance(piece.ref, Encoder):
        return piece.ref.conditional.network
    return "p" if isinstance(piece.ref, Decoder) else "r"


def _crossed(plan: Plan, group: Sequence[Piece]) -> bool:
    """Whether members are given others, one each: `r(x[1]|z[2])`, which no one index writes."""
    network = "p" if isinstance(group[0].ref, Decoder) else "r"
    if group[0].among or not isinstance(group[0].ref, Decoder | Auxiliary):
        return False
    read: dict[str, list[tuple[str, str]]] = {}  # by family: who reads which member of it
    for piece in group:
        for name in _parents(plan, network, piece):
            read.setdefault(name.partition("[")[0], []).append((piece.node, name))
    return any(
        len(pairs) == len(group) == len(dict(pairs))
        and len({name for _, name in pairs}) > 1
        and any(natural(name)[1] != natural(node)[1] for node, name in pairs)
        for pairs in read.values()
    )


def _counted(plan: Plan, group: Sequence[Piece]) -> _Written:
    """A sum over the members that a drawn set holds, or does not."""
    block = as_block(group[0].among)
    if block is None:
        raise CompilerBug("a term counts the members of no block")
    text, latex = ("i not in", r"i \notin") if block.outside else ("i in", r"i \in")
    if len(group) == 1:
        (place,) = natural(group[0].node)[1]
        return _Written(
            f"[{text} {block.draw}, i = {place}] ", f"1_{{i = {place} {latex[2:]} {block.draw}}} "
        )
    part_of = _part(plan, [piece.node for piece in group])
    also = _Written(f", i in {part_of}", f", i \\in \\{{{part_of}\\}}") if part_of else _NOTHING
    return _Written(
        f"sum_{{{text} {block.draw}{also.text}}} ",
        f"\\sum_{{{latex} {block.draw}{also.latex}}} ",
    )


def _summed(plan: Plan, group: Sequence[Piece], subsets: bool) -> _Written:
    """A sum over the index in which members differ, if there are several."""
    if len(group) == 1:
        return _NOTHING
    index = "S" if subsets and not _singles(group) else "i"
    part = "" if subsets else _part(plan, [piece.node for piece in group])
    label = f"{{{index} in {part}}}" if part else index
    latex = f"{index} \\in \\{{{part}\\}}" if part else index
    return _Written(f"sum_{label} ", f"\\sum_{{{latex}}} ")


def _part(plan: Plan, nodes: Sequence[str]) -> str:
    """Which members a sum runs over; nothing where it is all of the family."""
    distinct = list(dict.fromkeys(nodes))
    if set(distinct) == set(plan.model.family_of(distinct[0]).nodes):
        return ""
    indices = [node.partition("[")[2].rstrip("]") for node in distinct]
    return ", ".join(f"({index})" if "," in index else index for index in indices)


def _right(plan: Plan, group: Sequence[Piece], node: tuple[str, str]) -> _Written:
    ref = group[0].ref
    if isinstance(ref, Prior):
        return _Written(f"p({node[0]})", f"p({node[1]})")
    if isinstance(ref, SubPosterior):
        head = ref.experts[0].partition("[")[0]
        if len(group) == 1 or _is_drawn(ref):
            given = _Written(", ".join(ref.experts), latex_names(ref.experts))
        elif _singles(group):
            given = _Written(f"{head}[i]", f"{latex_name(head)}_{{i}}")
        else:
            given = _Written(f"{head}[S]", f"{latex_name(head)}_{{S}}")
        return _distribution(ref.conditional.network, node, given)
    if isinstance(ref, Encoder):
        base, parents = ref.conditional.network, ref.conditional.parents
        return _distribution(base, node, _Written(", ".join(parents), latex_names(parents)))
    network = "p" if isinstance(ref, Decoder) else "r"
    return _distribution(network, node, _conditional(plan, network, group))


def _singles(group: Sequence[Piece]) -> bool:
    return all(
        isinstance(piece.ref, SubPosterior) and len(piece.ref.experts) == 1 for piece in group
    )


def _index(plan: Plan, nodes: Sequence[str]) -> tuple[str, str]:
    distinct = list(dict.fromkeys(nodes))
    if len(distinct) == 1:
        return distinct[0], latex_name(distinct[0])
    head = distinct[0].partition("[")[0]
    return f"{head}[i]", f"{latex_name(head)}_{{i}}"


def _conditional(plan: Plan, network: str, group: Sequence[Piece]) -> _Written:
    """The parents of a group's conditionals: what all share by name, the others by index."""
    parents = [_parents(plan, network, piece) for piece in group]
    gates = _gates(plan, network, group[0])
    heads: dict[str, list[frozenset[str]]] = {}
    for head in dict.fromkeys(name.partition("[")[0] for given in parents for name in given):
        heads[head] = [
            frozenset(name for name in given if name.partition("[")[0] == head) for given in parents
        ]
    text, latex = [], []
    for head, sets in heads.items():
        members = sorted(sets[0], key=natural)
        whole = len(members) > 1 and set(members) == set(plan.model.members(head))
        written = _Written(", ".join(members), latex_names(members))
        if len(set(sets)) > 1:
            written = _Written(f"{head}[i]", f"{latex_name(head)}_{{i}}")
        elif whole:
            written = _Written(head, latex_name(head))
        mask = written_mask(gates, members, group[0].node)
        text.append(f"{written.text} if {mask}" if mask else written.text)
        latex.append(f"{written.latex}^{{{latex_name(mask)}}}" if mask else written.latex)
    return _Written(", ".join(text), ", ".join(latex))


def _gates(plan: Plan, network: str, piece: Piece) -> tuple[Gate, ...]:
    """The learned edges of the conditional that a piece is computed from."""
    if network == "r":
        return ()
    model = plan.model
    source = model.generation if network == "p" else model.inference_of(plan.under)
    several = source.conditionals if source else ()
    return next((one.gates for one in several if piece.node in one.children), ())


def _parents(plan: Plan, network: str, piece: Piece) -> tuple[str, ...]:
    if isinstance(piece.ref, Auxiliary) and network == "r":
        return piece.ref.given
    model = plan.model
    source = model.generation if network == "p" else model.inference_of(plan.under)
    for conditional in source.conditionals if source else ():
        if model.labelled(piece.node) in conditional.children:
            return (*conditional.parents, *_hidden(model, conditional, piece.node, network))
    return ()


def _hidden(model: Model, conditional: Conditional, node: str, network: str) -> tuple[str, ...]:
    """What a posterior has besides what its network reads: a selector, or a label."""
    family = model.family_of(node)
    labels = (family.label(node),) if family.labels and network != "p" else ()
    return (*labels, *((conditional.selector,) if conditional.by == "mixture" else ()))


def _distribution(network: str, node: tuple[str, str], given: _Written) -> _Written:
    bar = f" | {given.text}" if given.text else ""
    return _Written(f"{network}({node[0]}{bar})", f"{network}({node[1]}{_mid(given)})")


def _mid(given: _Written) -> str:
    return f" \\mid {given.latex}" if given.latex else ""

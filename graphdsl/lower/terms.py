"""Pieces of equal form to loss terms: one line of code for all members of a family."""

from __future__ import annotations

__all__ = ["added_up", "loss_terms"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from graphdsl.bound.models import Auxiliary, Decoder, Encoder, Prior, SubPosterior, is_drawn, plays
from graphdsl.bound.pieces import Piece
from graphdsl.bound.relations import of_bounds
from graphdsl.catalog.methods import PENALTIES
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.draws import draws_in
from graphdsl.ir.information import Atom, Term
from graphdsl.ir.loss import Bound, LossTerm, TermCode
from graphdsl.ir.statements import Sample
from graphdsl.ir.symbols import NetworkName, P, Variable
from graphdsl.ir.values import Ref, Value
from graphdsl.ir.weight import Weight, accumulate
from graphdsl.lower.estimator_choice import RateEstimate, choose_for_rate
from graphdsl.notation.rows import paying
from graphdsl.notation.terms import formula
from graphdsl.program.drawn_sets import chosen
from graphdsl.program.members import member_ref
from graphdsl.program.names import Names
from graphdsl.program.state import ModelKey, Plan
from graphdsl.signs import sign


def loss_terms(
    plans: Mapping[NetworkName, Plan], pieces: Iterable[Piece], names: Names
) -> Iterator[LossTerm]:
    """Group pieces that differ in indices alone, and say how each group is computed."""
    listed: set[Bound] = set()  # of a block with members in several terms, the first records it
    for group in _groups(plans, pieces).values():
        first = group[0]
        plan = plans[first.under]
        estimate = choose_for_rate(plans, group)
        if estimate.mixture is not None:  # as its density has them
            children = estimate.mixture.children
            group.sort(key=lambda piece: children.index(piece.node))
        bounds = tuple(dict.fromkeys(bound for piece in group for bound in piece.bounds))
        written = formula(plan.samples, group)
        term = LossTerm(
            name=names.take(f"{_title(plan, first)}{plan.tag}"),
            weight=first.weight,
            code=_estimated(plans, group, estimate),
            formula=written.text,
            latex=written.latex,
            stands_for=added_up(term for piece in group for term in piece.stands_for),
            relation="surrogate" if first.kind in ("penalty", "cost") else of_bounds(bounds),
            bounds=tuple(bound for bound in bounds if bound not in listed),
            estimator=estimate.name,
            lines=tuple(sorted({line for piece in group for line in piece.lines})),
            rows=paying(plan.model, _in_order(plan, group)),
            frozen=isinstance(first.ref, Decoder) and first.ref.frozen,
        )
        listed.update(bounds if first.among else ())
        yield _with_critic(plans, group, term, names)


def _estimated(
    plans: Mapping[NetworkName, Plan], group: Sequence[Piece], estimate: RateEstimate
) -> TermCode:
    """The code of a term; one without a closed form reads the sample at hand, and its density."""
    code = replace(_code(plans, group), seen=_seen(plans[group[0].under], group))
    if estimate.mixture is not None:
        return _of_mixture(plans, group, code)
    if not estimate.is_sampled:
        return code
    plan, nodes = plans[group[0].under], tuple(dict.fromkeys(piece.node for piece in group))
    flow = plan.law(nodes[0]).is_run_alone
    own = _density(plan, plan.posterior[nodes[0]][0]) if flow else None
    return replace(code, value=plan.value(nodes), density=own)


def _density(plan: Plan, posterior: Value) -> Value:
    """The log-density that comes with the samples of a posterior."""
    samples = (statement for statement in plan.forward if isinstance(statement, Sample))
    densities = (sample.density for sample in samples if sample.distribution is posterior)
    density = next(densities, None)
    if density is None:
        raise CompilerBug(f"no sample of {posterior} has a density")
    return density


def _of_mixture(
    plans: Mapping[NetworkName, Plan], group: Sequence[Piece], code: TermCode
) -> TermCode:
    """A rate or an entropy by the density of a mixture, which is one for all its children."""
    first = group[0]
    plan, nodes = plans[first.under], tuple(piece.node for piece in group)
    own, right = plan.mixtures.get(first.node), code.right
    if isinstance(first.ref, Encoder):
        other = plans[first.ref.network].mixtures.get(first.node)
        right = right if other is None else Ref(other.value)
    left = code.left if own is None else Ref(own.value)
    return replace(code, left=left, right=right, value=plan.value(nodes), joint=True)


def _with_critic(
    plans: Mapping[NetworkName, Plan], group: Sequence[Piece], term: LossTerm, names: Names
) -> LossTerm:
    """A network that is trained against its term: it predicts as well as it can."""
    ref, plan = group[0].ref, plans[group[0].under]
    if not plays(ref):
        return term
    known = sign(term.weight, plan.model.parameters) != "unknown"
    nodes = tuple(dict.fromkeys(piece.node for piece in group))
    critic = _critic_of(plans, group[0], nodes)
    return replace(
        term,
        relation="saddle" if known else "surrogate",
        estimator="a predictor that plays against the term" if known else "a predictor",
        critic=names.take(f"critic:{plan.model.family_of(group[0].node).name}{plan.tag}"),
        critic_code=_critic_code(plan, group[0], term.code, critic),
    )


def _critic_of(plans: Mapping[NetworkName, Plan], piece: Piece, nodes: Sequence[Variable]) -> Ref:
    """The run of the network that plays which trains it: with what it reads held still."""
    plan, ref = plans[piece.under], piece.ref
    if not isinstance(ref, Decoder | Auxiliary | Encoder):
        raise CompilerBug("a model without a network of its own plays")
    key = _model_key(ref)._replace(held="detached")
    home = ref.network if isinstance(ref, Encoder) else P
    holder = plan if key in plan.likelihood else plans[home]
    target, held = holder.likelihood[key]
    return member_ref(target, nodes, held)


def _critic_code(plan: Plan, piece: Piece, code: TermCode, critic: Ref) -> TermCode:
    """The same for who trains the network alone: all members count, and no value moves."""
    if code.kind == "kl" and code.value is None:
        return replace(code, right=critic, held=True)
    held = plan.under == "p" or plan.model.family_of(piece.node).role == "latent"
    if code.kind == "kl":
        term_code = TermCode(kind="cross_entropy", left=critic, right=code.value, seen=code.seen)
        return replace(term_code, held=held)
    return replace(code, left=critic, among=None, held=held)


def added_up(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Equal atoms together, in the order in which they first come."""
    weights: dict[Atom, Weight] = {}
    for term in terms:
        accumulate(weights, term.atom, term.weight)
    return tuple(Term(weight, atom) for atom, weight in weights.items())


def _groups(
    plans: Mapping[NetworkName, Plan], pieces: Iterable[Piece]
) -> dict[object, list[Piece]]:
    groups: dict[object, list[Piece]] = {}
    for piece in pieces:
        groups.setdefault(_key(plans, piece), []).append(piece)
    apart: dict[object, list[Piece]] = {}
    for key, group in groups.items():
        for piece in group:
            own = (key, "") if _is_product(group) else (key, piece.node)
            apart.setdefault(own, []).append(piece)
    for group in apart.values():
        members = {(one.node, one.under, getattr(one.ref, "experts", None)) for one in group}
        if len(members) < len(group):
            raise CompilerBug(f"a term has a member twice: {group[0].node}")
    return apart


def _is_product(group: Sequence[Piece]) -> bool:
    """Whether every variable of a group stands against the same sub-posteriors, if any."""
    subsets = {(p.node, p.ref.experts) for p in group if isinstance(p.ref, SubPosterior)}
    nodes, experts = {node for node, _ in subsets}, {one for _, one in subsets}
    return len(subsets) == len(nodes) * len(experts)


def _key(plans: Mapping[NetworkName, Plan], piece: Piece) -> object:
    """What pieces of one term have in common: the tensors they are in, and their weight."""
    plan = plans[piece.under]
    home = plan.posterior.get(piece.node, (None, ()))[0]
    ref = piece.ref
    model: object = type(ref).__name__
    if isinstance(ref, Auxiliary):
        model = plan.likelihood[_model_key(ref)][0], ref.adversary
    elif isinstance(ref, Decoder):
        model = plan.likelihood[_model_key(ref)][0]
    elif isinstance(ref, Encoder) and piece.kind in ("reconstruction", "cost"):
        model = plan.likelihood[_model_key(ref)][0]
    elif isinstance(ref, SubPosterior) and is_drawn(ref):
        model = plan.program.drawn_posterior[ref.network, piece.node, ref.experts[0]][0]
    elif isinstance(ref, SubPosterior):
        model = plan.program.subset_of[ref.network, piece.node, ref.experts][0]
    elif isinstance(ref, Encoder):
        model = ref.network
    kind = piece.kind, piece.cost, piece.penalty, piece.environment, piece.biased, piece.named
    return kind, plan.under, home, model, plays(ref), piece.weight, piece.among


def _model_key(ref: Decoder | Auxiliary | Encoder) -> ModelKey:
    if isinstance(ref, Encoder):  # of a label: q's own network for what it labels
        return ModelKey(ref.network, ref.node)
    if isinstance(ref, Decoder):
        return ModelKey("p", ref.node, (), "frozen" if ref.frozen or plays(ref) else "")
    return ModelKey("r", ref.node, ref.given, "frozen" if ref.adversary else "")


def _code(plans: Mapping[NetworkName, Plan], group: Sequence[Piece]) -> TermCode:
    first = group[0]
    plan = plans[first.under]
    nodes = tuple(dict.fromkeys(piece.node for piece in _in_order(plan, group)))
    if first.kind in ("reconstruction", "cost"):
        return TermCode(
            kind=first.kind,
            word=first.cost or "",
            left=_model_ref(plan, first, nodes),
            right=_in_common(plan, plan.value(nodes)),
            among=chosen(plan, first.among, nodes) if first.among else None,
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
    plans: Mapping[NetworkName, Plan],
    group: Sequence[Piece],
    left: Ref,
    nodes: tuple[Variable, ...],
) -> TermCode:
    """KL of a posterior and whatever it stands against."""
    first = group[0]
    plan = plans[first.under]
    if isinstance(first.ref, Prior):
        law = plan.model.family_of(first.node).distribution.law
        return TermCode(kind="kl", left=left, right=None, prior=law.prior)
    if isinstance(first.ref, SubPosterior) and is_drawn(first.ref):
        ref = first.ref
        drawn, there = plan.program.drawn_posterior[ref.network, first.node, ref.experts[0]]
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
    return sorted(group, key=lambda one: one.node.order) if plan.together else group


def _in_common(plan: Plan, ref: Ref) -> Ref:
    """Data, which the terms of several sets at once have in common."""
    return replace(ref, in_sets=True) if plan.together else ref


def _penalty_code(plan: Plan, piece: Piece, nodes: tuple[Variable, ...]) -> TermCode:
    family = plan.model.family_of(piece.environment)
    return TermCode(
        kind="penalty",
        left=_model_ref(plan, piece, nodes),
        right=plan.value(nodes),
        word=PENALTIES[piece.penalty].word,
        samples=((plan.value((piece.environment,)),),),
        classes=family.classes or 2,
        whole=family.classes is not None,
        biased=piece.biased,
    )


def _seen(plan: Plan, group: Sequence[Piece]) -> tuple[tuple[Ref, ...], ...]:
    """What a row must have for a term to be in its bound; nothing where every row has it all."""
    needed = {piece.node: plan.inputs.masks(piece.needs) for piece in _in_order(plan, group)}
    if not any(needed.values()):
        return ()
    seen = _side_by_side(plan, tuple(needed.values()))
    return tuple(tuple(_in_common(plan, ref) for ref in refs) for refs in seen)


def _side_by_side(plan: Plan, needed: tuple[tuple[Ref, ...], ...]) -> tuple[tuple[Ref, ...], ...]:
    """Masks of one family's members are members of one tensor; one that all share stands once."""
    if len(set(needed)) == 1:
        return needed[:1]
    places = [refs[0].places for refs in needed if len(refs) == 1]
    values = {ref.value for refs in needed for ref in refs}
    if len(needed) < 2 or len(places) < len(needed) or len(values) > 1:
        return needed
    (value,) = values
    family = next(one for one in plan.model.families if plan.inputs.seen(one) is value)
    along = tuple(place for indices in places for place in indices or ())
    whole = along == tuple(range(len(family.nodes)))
    return ((Ref(value) if whole else Ref(value, along),),)


def _model_ref(plan: Plan, piece: Piece, nodes: Sequence[Variable]) -> Ref:
    if not isinstance(piece.ref, Decoder | Auxiliary | Encoder):
        raise CompilerBug("a term is computed from a model that has no run of its own")
    target, held = plan.likelihood[_model_key(piece.ref)]
    return member_ref(target, nodes, held)


def _subsets(plan: Plan, group: Sequence[Piece]) -> Ref:
    """Which of the sub-posteriors a term compares with."""
    places = list[int]()
    value: Value | None = None
    for piece in group:
        if not isinstance(piece.ref, SubPosterior):
            raise CompilerBug("a term mixes sub-posteriors with other models")
        value, place = plan.program.subset_of[piece.ref.network, piece.node, piece.ref.experts]
        if place not in places:
            places.append(place)
    if value is None:
        raise CompilerBug("a term compares with no sub-posterior")
    known = {place for held, place in plan.program.subset_of.values() if held is value}
    return Ref(value) if set(places) == known else Ref(value, tuple(places))


def _title(plan: Plan, piece: Piece) -> str:
    family = plan.model.family_of(piece.node).name
    block = piece.among.block
    among = "" if block is None else f"[{'not ' * block.outside}{block.draw}]"
    match piece.kind, piece.ref:
        case "cost", _:
            return f"{piece.cost}_cost:{family}{among}"
        case "reconstruction", Decoder():
            return f"reconstruction:{family}{among}"
        case "reconstruction", _:
            return f"prediction:{family}{among}"
        case ("entropy" | "penalty" | "cross_entropy") as kind, _:
            return f"{kind}:{family}"
        case _, SubPosterior(experts=experts):
            return f"rate:{family}~{','.join(draws_in(experts)) or 'each'}"
        case _, Encoder():
            return f"rate:{family}~other"
        case _, Auxiliary():
            return f"rate:{family}~auxiliary"
        case _:
            return f"rate:{family}"

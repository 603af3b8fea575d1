"""Statements of the emitted methods as lines of Python."""

from __future__ import annotations

__all__ = ["decoded_line", "forward_line", "infer_line", "inferred_line", "term_code"]

from graphdsl.codegen.expressions import commented, members, reference, shape, shape_comment
from graphdsl.ir.loss import (
    Assemble,
    Decoded,
    Fuse,
    InferenceLine,
    Observe,
    Ref,
    Run,
    Sample,
    Statement,
    TermCode,
)

_DISTRIBUTION = {"gaussian": "Gaussian.split", "bernoulli": "Bernoulli", "unit": "Gaussian.unit"}


def forward_line(statement: Statement) -> str:
    """A statement of `forward` or `decode`."""
    match statement:
        case Observe(target=target, variable=variable):
            code = f'{target} = self.observe(batch, "{variable}")'
            return commented(code, shape_comment(statement.shape))
        case Run():
            return commented(f"{statement.target} = {_run(statement)}", _about(statement))
        case Fuse():
            code = f"{statement.target} = {_fuse(statement)}"
            return commented(code, _about(statement)) if statement.formula else code
        case Sample(target=target, distribution=distribution, noise=noise):
            code = f"{target} = {distribution}.sample({_noise(noise)})"
            return commented(code, shape_comment(statement.shape))
        case Assemble(target=target, parts=parts):
            return f"{target} = torch.stack({members(parts)}, dim=1)"


def infer_line(statement: Statement) -> str:
    """A statement of `infer`, where views may be missing and noise may be left out."""
    match statement:
        case Observe(target=target, variable=variable):
            return f'{target}, seen_{target} = self.observe_some(batch, "{variable}")'
        case Run(target=target):
            seen = f".or_prior({_mask(statement)})" if statement.seen else ""
            return f"{target} = {_run(statement)}{seen}"
        case Fuse(target=target):
            return f"{target} = {_fuse(statement, _experts_mask(statement))}"
        case Sample(target=target, distribution=q, noise=noise, latent=latent):
            if noise.places is None:
                return f'{target} = {q}.draw(noise, "{latent}")'
            return f"{target} = {q}.mean if noise is None else {q}.sample({_noise(noise)})"
        case Assemble():
            return forward_line(statement)


def inferred_line(line: InferenceLine) -> str:
    """An entry of what `infer` returns."""
    return f'"{line.latent}": {_together("Gaussian.stack", line.parts)}'


def decoded_line(line: Decoded) -> str:
    """An entry of what `decode` returns."""
    word = "Bernoulli.stack" if line.distribution == "bernoulli" else "Gaussian.stack"
    return f'"{line.variable}": {_together(word, line.parts)}'


def term_code(code: TermCode) -> str:
    """The expression that computes a term, on average over the rows."""
    left = reference(code.left)
    right = "standard_normal" if code.right is None else reference(code.right)
    match code.kind:
        case "kl":
            if not code.broadcast:
                return f"expect({left}.kl({right}))"
            return f"expect({left}[:, None].kl({right}{_of_children(code.left)}))"
        case "reconstruction" | "cross_entropy":
            return f"expect({left}.nll({right}))"
        case "entropy":
            return f"expect({left}.entropy())"
        case "total_correlation_mss":
            return f"total_correlation_mss({left}, {right}, self.rows)"


def _run(statement: Run) -> str:
    arguments = ", ".join(map(reference, statement.arguments))
    network = f"self.{statement.slot}"
    call = f"frozen({network})({arguments})" if statement.frozen else f"{network}({arguments})"
    reshaped = "" if statement.reshape is None else f", {shape(statement.reshape)}"
    return f"{_DISTRIBUTION[statement.distribution]}({call}{reshaped})"


def _experts_mask(statement: Fuse) -> str:
    """Which experts there are, as a second argument."""
    seen = statement.seen
    if not seen:
        return ""
    whole = len(seen) == 1 and seen[0].places is None and not seen[0].one
    return f", {reference(seen[0])}" if whole else f", torch.stack({members(seen)}, dim=1)"


def _fuse(statement: Fuse, mask: str = "") -> str:
    match statement.how:
        case "concatenate":
            return f"Gaussian.stack({members(statement.experts)})"
        case "product":
            return f"product_of_experts({reference(statement.experts[0])}{mask})"
        case "each":
            return f"each_expert({reference(statement.experts[0])})"
        case "subsets":
            experts = reference(statement.experts[0])
            return f"subset_posteriors({experts}, self.{statement.subsets})"


def _about(statement: Run | Fuse) -> str:
    return f"{statement.formula}; {shape_comment(statement.shape)}"


def _noise(noise: Ref) -> str:
    return reference(Ref(f'noise["{noise.name}"]', noise.places, noise.one))


def _mask(statement: Run) -> str:
    """Where every observed parent of a conditional was seen."""
    per_member = any(one.how == "each" for one in statement.seen)
    masks = []
    for one in statement.seen:
        mask = reference(one.mask) + (".all(1)" if one.how == "all" else "")
        masks.append(f"{mask}[:, None]" if per_member and one.how != "each" else mask)
    return " & ".join(masks)


def _of_children(left: Ref) -> str:
    """The same members of the models as of the posterior: behind the axis of the subsets."""
    if left.places is None:
        return ""
    return f"[:, :, {left.places[0] if left.one else list(left.places)}]"


def _together(word: str, parts: tuple[Ref, ...]) -> str:
    if len(parts) == 1 and parts[0].places is None:
        return parts[0].name
    return f"{word}({members(parts)})"

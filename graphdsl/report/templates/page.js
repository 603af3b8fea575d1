// Pointing at a term lights its nodes, its lines of the spec, and its lines of the emitted code.
"use strict";
const terms = [...document.querySelectorAll("[data-term]")];
const lines = [...document.querySelectorAll("[data-terms]")];
const nodes = [...document.querySelectorAll(".node[data-variables]")];
let kept = null;

function light(term) {
  for (const one of document.querySelectorAll(".lit")) one.classList.remove("lit");
  if (!term) return;
  const variables = new Set(term.dataset.variables.split("|"));
  term.classList.add("lit");
  for (const line of lines)
    if (line.dataset.terms.split(" ").includes(term.dataset.term)) line.classList.add("lit");
  for (const node of nodes)
    if (node.dataset.variables.split("|").some((name) => variables.has(name))) node.classList.add("lit");
}

function keep(term) {
  kept = kept === term ? null : term;
  for (const one of terms) one.querySelector("button").setAttribute("aria-pressed", String(one === kept));
  light(kept);
}

for (const term of terms) {
  term.addEventListener("pointerenter", () => light(term));
  term.addEventListener("pointerleave", () => light(kept));
  term.addEventListener("focusin", () => light(term));
  term.addEventListener("focusout", () => light(kept));
  term.querySelector("button").addEventListener("click", () => keep(term));
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") { kept = null; light(null); } });
addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details")) one.open = true; });

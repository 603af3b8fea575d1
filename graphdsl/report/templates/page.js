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
// Parameters: the weight of each term, and whether a bound has lost its direction.
const sliders = [...document.querySelectorAll("[data-parameter]")];
const value = (weight, at) => weight.reduce((sum, [names, factor]) => sum + names.reduce((one, name) => one * at[name], factor), 0);
const shown = (number) => String(Number(number.toPrecision(4)));

function weigh() {
  const at = Object.fromEntries(sliders.map((one) => [one.dataset.parameter, Number(one.value)]));
  for (const one of sliders) one.nextElementSibling.value = one.value;
  const lost = [];
  for (const one of document.querySelectorAll("[data-weight]")) {
    one.querySelector("output").value = shown(value(JSON.parse(one.dataset.weight), at));
    const wrong = JSON.parse(one.dataset.bounds).some((bound) => value(bound, at) < -1e-12);
    one.classList.toggle("wrong", wrong);
    if (wrong) lost.push(one.querySelector("code").textContent);
  }
  document.getElementById("verdict").textContent = lost.length
    ? `At these values the direction is lost: a bound in ${lost.join(", ")} has a negative weight.`
    : "At these values every bound has a nonnegative weight.";
}
for (const one of sliders) one.addEventListener("input", weigh);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") { kept = null; light(null); } });
addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details")) one.open = true; });
// What scrolls sideways on a narrow screen can be reached with the keyboard, and only while it scrolls.
function reach() {
  for (const one of document.querySelectorAll(".sum > *, .display, .wide, figure .scroll")) {
    const scrolls = one.scrollWidth > one.clientWidth + 1;
    if (scrolls) one.tabIndex = 0;
    else one.removeAttribute("tabindex");
  }
}
addEventListener("resize", reach);
addEventListener("load", reach);
document.addEventListener("toggle", reach, true);

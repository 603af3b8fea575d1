// The colours, by the engine of the editor itself.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");

const specs = path.join(__dirname, "..", "..", "..", "specs");

async function load() {
  const wasm = fs.readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => {
      const file = path.join(__dirname, "..", "syntaxes", "mib.tmLanguage.json");
      return textmate.parseRawGrammar(fs.readFileSync(file, "utf8"), file);
    },
  });
  return registry.loadGrammar("source.mib");
}

function scopes(grammar, line, state) {
  const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
  const words = tokens.map((one) => [
    line.slice(one.startIndex, one.endIndex), one.scopes.at(-1),
  ]);
  return { words: words.filter(([text]) => text.trim()), ruleStack };
}

test("words have the scopes of what they are", async () => {
  const grammar = await load();
  const { words } = scopes(grammar, "latent u[1..2] : real[8] ~ normal  # KL", textmate.INITIAL);
  assert.deepEqual(words.slice(0, 3), [
    ["latent", "storage.type.mib"], ["u", "variable.other.mib"],
    ["[", "punctuation.separator.mib"],
  ]);
  assert.deepEqual(words.at(-1), ["# KL", "comment.line.number-sign.mib"]);
  const objective = scopes(grammar, "minimize KL(q || p) + beta * TC(u)", textmate.INITIAL).words;
  assert.deepEqual(objective[0], ["minimize", "keyword.control.mib"]);
  assert.deepEqual(objective[1], ["KL", "entity.name.function.mib"]);
});

test("every word of every shipped spec has a scope of its own", async () => {
  const grammar = await load();
  const files = fs.readdirSync(specs).filter((one) => one.endsWith(".mib"));
  assert.ok(files.length > 30);
  for (const file of files) {
    let state = textmate.INITIAL;
    for (const line of fs.readFileSync(path.join(specs, file), "utf8").split("\n")) {
      const found = scopes(grammar, line, state);
      for (const [text, scope] of found.words) {
        assert.notEqual(scope, "source.mib", `${file}: ${text} in ${line}`);
      }
      state = found.ruleStack;
    }
  }
});

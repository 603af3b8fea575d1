// The manifest: every file that it names is there, and its patterns are regular expressions.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");

const root = path.join(__dirname, "..");
const manifest = require("../package.json");
const read = (file) => JSON.parse(fs.readFileSync(path.join(root, file), "utf8"));

test("every file that the manifest names is there", () => {
  const { languages, grammars } = manifest.contributes;
  const named = [
    manifest.main,
    ...languages.map((one) => one.configuration), ...grammars.map((one) => one.path),
  ];
  for (const file of named) assert.ok(fs.existsSync(path.join(root, file)), file);
});

test("the grammar is that of the compiler", () => {
  const ours = read(manifest.contributes.grammars[0].path);
  const theirs = read("../../grammar/graphdsl_grammar/mib.tmLanguage.json");
  assert.deepEqual(ours, theirs);
  assert.equal(ours.scopeName, manifest.contributes.grammars[0].scopeName);
});

test("braces of networks indent", () => {
  const { indentationRules } = read(manifest.contributes.languages[0].configuration);
  const more = new RegExp(indentationRules.increaseIndentPattern);
  const less = new RegExp(indentationRules.decreaseIndentPattern);
  assert.ok(more.test("q {                # inference {network}"));
  assert.ok(!more.test("q { x -> z }"));
  assert.ok(!more.test("# q {"));
  assert.ok(less.test("    }"));
});

test("an untrusted workspace cannot name the program to start", () => {
  const { untrustedWorkspaces } = manifest.capabilities;
  assert.deepEqual(untrustedWorkspaces.restrictedConfigurations, ["graphdsl.command"]);
});

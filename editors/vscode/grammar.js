// Copies the TextMate grammar of the compiler into the extension: there is one grammar to maintain.
const fs = require("node:fs");
const path = require("node:path");

const ours = path.join(__dirname, "syntaxes", "mib.tmLanguage.json");
const theirs = path.join(
  __dirname, "..", "..", "grammar", "graphdsl_grammar", "mib.tmLanguage.json",
);
fs.mkdirSync(path.dirname(ours), { recursive: true });
if (fs.existsSync(theirs)) fs.copyFileSync(theirs, ours);

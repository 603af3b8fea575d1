// How the language server is started.

/** The command line of the server, given the setting `graphdsl.command`. */
function serverOptions(command, folder) {
  const options = folder ? { cwd: folder } : {};
  return { command: command || "graphdsl", args: ["lsp"], options };
}

/** What to say when it does not start. */
function advice(command) {
  return (
    `graphdsl: \`${command} lsp\` did not start. Install it with pip install "graphdsl[editor]", ` +
    "or set graphdsl.command to the program of your environment."
  );
}

module.exports = { serverOptions, advice };

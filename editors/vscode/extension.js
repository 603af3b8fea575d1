// The extension: it starts `graphdsl lsp` and connects it to the editor.
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { serverOptions, advice } = require("./server");

let client;

async function start() {
  const command = vscode.workspace.getConfiguration("graphdsl").get("command");
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  client = new LanguageClient("graphdsl", "graphdsl", serverOptions(command, folder), {
    documentSelector: [{ language: "mib" }],
  });
  try {
    await client.start();
  } catch {
    vscode.window.showErrorMessage(advice(command));
  }
}

async function stop() {
  if (client?.isRunning()) await client.stop();
  client = undefined;
}

async function activate(context) {
  const restart = async () => {
    await stop();
    await start();
  };
  context.subscriptions.push(
    vscode.commands.registerCommand("graphdsl.restart", restart),
    vscode.workspace.onDidChangeConfiguration(
      (event) => event.affectsConfiguration("graphdsl.command") && restart(),
    ),
  );
  await start();
}

module.exports = { activate, deactivate: stop };

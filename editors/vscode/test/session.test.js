// A session: the extension's own code, with a stand-in for the editor, and the real server.
const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const Module = require("node:module");
const test = require("node:test");
const protocol = require("vscode-languageserver-protocol/node");

const program = process.env.GRAPHDSL || "graphdsl";
const WRONG = "model a\nobserved x : binary[4]\nlatent z : real[2]\nq { x z }\n";

/** The extension, loaded with a stand-in for the editor that notes what it is asked for. */
function extension({ starts = true } = {}) {
  const noted = { clients: [], commands: {}, errors: [] };
  class LanguageClient {
    constructor(...given) {
      noted.clients.push(given);
    }
    async start() {
      if (!starts) throw new Error("ENOENT");
    }
    isRunning() {
      return true;
    }
    async stop() {
      noted.stopped = true;
    }
  }
  const stubs = {
    vscode: {
      workspace: {
        getConfiguration: () => ({ get: () => program }),
        onDidChangeConfiguration: (call) => ((noted.changed = call), { dispose() {} }),
      },
      commands: {
        registerCommand: (name, call) => ((noted.commands[name] = call), { dispose() {} }),
      },
      window: { showErrorMessage: (text) => noted.errors.push(text) },
    },
    "vscode-languageclient/node": { LanguageClient },
  };
  const load = Module._load;
  Module._load = (name, ...rest) => stubs[name] ?? load(name, ...rest);
  try {
    delete require.cache[require.resolve("../extension")];
    return { loaded: require("../extension"), noted };
  } finally {
    Module._load = load;
  }
}

test("it starts the server for mib files", async () => {
  const { loaded, noted } = extension();
  await loaded.activate({ subscriptions: [] });
  const [, , server, client] = noted.clients[0];
  assert.deepEqual([server.command, server.args], [program, ["lsp"]]);
  assert.deepEqual(client.documentSelector, [{ language: "mib" }]);
  await noted.commands["graphdsl.restart"]();
  assert.equal(noted.clients.length, 2);
  await loaded.deactivate();
  assert.ok(noted.stopped);
});

test("a program that is not there is a sentence", async () => {
  const { loaded, noted } = extension({ starts: false });
  await loaded.activate({ subscriptions: [] });
  assert.match(noted.errors[0], /pip install "graphdsl\[editor\]"/);
});

test("the server answers the protocol of the editor's own library", async (context) => {
  const { serverOptions } = require("../server");
  const { command, args } = serverOptions(program);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const there = await new Promise((resolve) => {
    child.once("spawn", () => resolve(true));
    child.once("error", () => resolve(false));
  });
  if (!there) return context.skip(`${program} is not installed; GRAPHDSL names another program`);
  const connection = protocol.createProtocolConnection(
    new protocol.StreamMessageReader(child.stdout),
    new protocol.StreamMessageWriter(child.stdin),
  );
  connection.listen();
  const shown = new Promise((resolve) =>
    connection.onNotification(protocol.PublishDiagnosticsNotification.type, resolve),
  );
  await connection.sendRequest(protocol.InitializeRequest.type, {
    processId: process.pid, rootUri: null, capabilities: {},
  });
  await connection.sendNotification(protocol.InitializedNotification.type, {});
  const uri = "file:///a.mib";
  await connection.sendNotification(protocol.DidOpenTextDocumentNotification.type, {
    textDocument: { uri, languageId: "mib", version: 1, text: WRONG },
  });
  const { diagnostics } = await shown;
  assert.ok(diagnostics.some((one) => one.code === "MIB102" && one.range.start.line === 3));
  const actions = await connection.sendRequest(protocol.CodeActionRequest.type, {
    textDocument: { uri }, range: diagnostics[0].range, context: { diagnostics },
  });
  assert.ok(Array.isArray(actions));
  const done = new Promise((resolve) => child.once("exit", resolve));
  await connection.sendRequest(protocol.ShutdownRequest.type);
  await connection.sendNotification(protocol.ExitNotification.type);
  assert.equal(await done, 0);
  connection.dispose();
});

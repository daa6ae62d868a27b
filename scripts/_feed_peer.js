// The `ws` package's loop over its clients: `send N` on standard input broadcasts N messages.
const { WebSocketServer, WebSocket } = require("ws");
const server = new WebSocketServer({
  host: "127.0.0.1", port: 0, backlog: 2048, perMessageDeflate: false,
}, () => console.log(server.address().port));

function message() {
  const text = `{"op":"delta","data":{"at_ns":${process.hrtime.bigint()}`;
  return text.padEnd(198) + "}}";
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  for (let left = Number(line.split(" ")[1]); left > 0; left -= 1) {
    const text = message();
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(text);
    }
  }
}).on("close", () => process.exit(0));

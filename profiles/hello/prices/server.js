// Tells what things cost. Now and then it says for 20 seconds that it is not well: on purpose, see devbox.yaml.
"use strict";
const http = require("node:http");

const QUIET_AT_FIRST = 60;
const UNWELL_FOR = 20;
const every = Number(process.env.TROUBLE_EVERY || 0);
const prices = { tea: 450, coffee: 780, bread: 320, honey: 890, soap: 275, candles: 640, paper: 199, apples: 350 };
let unwellUntil = 0;

function log(level, message, fields = {}) {
  console.log(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }));
}

function answer(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

function beUnwell() {
  unwellUntil = Date.now() + 1000 * UNWELL_FOR;
  log("error", "the price list cannot be read", { seconds: UNWELL_FOR });
  setTimeout(() => log("info", "the price list is back"), 1000 * UNWELL_FOR);
  setTimeout(beUnwell, 1000 * every);
}

if (every > 0) setTimeout(beUnwell, 1000 * Math.max(QUIET_AT_FIRST, every / 2));

const server = http.createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname === "/healthz") {
    if (Date.now() < unwellUntil) return answer(response, 503, { status: "the price list cannot be read" });
    return answer(response, 200, { status: "ok" });
  }
  if (url.pathname === "/price") {
    const cents = prices[url.searchParams.get("item")];
    log("info", "price asked", { item: url.searchParams.get("item"), cents });
    return cents ? answer(response, 200, { cents }) : answer(response, 404, { error: "no such item" });
  }
  return answer(response, 404, { error: "not found" });
});

server.listen(Number(process.env.PORT), "127.0.0.1", () => log("info", "listening", { port: server.address().port }));
process.on("SIGTERM", () => {
  log("info", "asked to end, ending");
  process.exit(0);
});

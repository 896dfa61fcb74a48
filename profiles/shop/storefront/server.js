// The shop's page: shows the last orders and takes new ones. Needs nothing but Node.
"use strict";
const http = require("node:http");
const { randomUUID } = require("node:crypto");
const page = require("./page.js");

const ORDERS = process.env.ORDERS_URL;
const PORT = Number(process.env.PORT || 3000);

function say(level, msg, more) {
  console.log(JSON.stringify({ time: new Date().toISOString(), level, msg, ...more }));
}

async function read(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

async function handle(request, response) {
  const id = request.headers["x-request-id"] || randomUUID();
  const { pathname } = new URL(request.url, "http://shop");
  if (pathname === "/healthz") return send(response, 200, "application/json", '{"status":"ok"}');
  if (pathname.startsWith("/orders")) {
    const body = request.method === "POST" ? await read(request) : undefined;
    const headers = { "content-type": "application/json", "x-request-id": id };
    const answer = await fetch(ORDERS + pathname, { method: request.method, body, headers, signal: AbortSignal.timeout(10000) });
    say("info", `${request.method} ${pathname} ${answer.status}`, { request_id: id });
    return send(response, answer.status, "application/json", await answer.text());
  }
  if (pathname === "/") return send(response, 200, "text/html; charset=utf-8", page.html());
  return send(response, 404, "text/plain", `nothing is at ${pathname}\n`);
}

function send(response, status, type, text) {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(text);
}

const server = http.createServer((request, response) =>
  handle(request, response).catch((error) => {
    say("error", `${request.method} ${request.url} failed: ${error.message}`, { stack: error.stack });
    send(response, 502, "text/plain", `${error.message}\n`);
  }),
);
server.listen(PORT, () => say("info", `storefront listens on ${PORT}`));
process.on("SIGTERM", () => server.close(() => process.exit(0)));

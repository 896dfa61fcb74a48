// The page as it is on the host at this moment, and what the backend says below /api.
const fs = require("node:fs");
const http = require("node:http");

function pass(request, response) {
  const onward = http.get({ host: "backend", port: 8000, path: request.url.slice(4) }, (answer) => {
    response.writeHead(answer.statusCode);
    answer.pipe(response);
  });
  onward.on("error", (error) => response.writeHead(502).end(String(error)));
}

const server = http.createServer((request, response) => {
  if (request.url.startsWith("/api")) pass(request, response);
  else response.end(fs.readFileSync("src/page.html"));
});
server.listen(Number(process.env.PORT));
process.on("SIGTERM", () => process.exit(0));

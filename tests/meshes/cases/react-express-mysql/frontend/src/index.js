const fs = require("node:fs");
const http = require("node:http");

http
  .createServer((request, response) => response.end(fs.readFileSync("node_modules/library")))
  .listen(3000);
process.on("SIGTERM", () => process.exit(0));

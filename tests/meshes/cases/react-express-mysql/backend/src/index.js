// What the database says about itself, and what this was built and started with.
const fs = require("node:fs");
const http = require("node:http");
const mysql = require("mysql");

const words = require("./words.json");

const server = http.createServer((request, response) => {
  const connection = mysql.createConnection({
    host: process.env.DATABASE_HOST,
    user: process.env.DATABASE_USER,
    password: fs.readFileSync(process.env.DATABASE_PASSWORD, "utf8").trim(),
    database: process.env.DATABASE_DB,
  });
  connection.query("SELECT DATABASE() AS name", (error, rows) => {
    connection.destroy();
    if (error) {
      response.writeHead(503).end(String(error));
      return;
    }
    response.end(
      JSON.stringify({
        database: rows[0].name,
        environment: process.env.NODE_ENV,
        builtFor: fs.readFileSync("/opt/app/node_modules/built-for", "utf8").trim(),
        version: JSON.parse(fs.readFileSync("package.json")).version,
        words: words.hello,
      }),
    );
  });
});
server.listen(80);
process.on("SIGTERM", () => process.exit(0));

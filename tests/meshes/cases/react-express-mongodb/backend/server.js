// What there is to do, in a database: POST adds a line, GET tells all.
const http = require("node:http");
const { MongoClient } = require("mongodb");

async function main() {
  const client = await MongoClient.connect("mongodb://mongo:27017", { useUnifiedTopology: true });
  const todos = client.db("todo").collection("todos");
  const server = http.createServer(async (request, response) => {
    try {
      if (request.method === "POST") {
        let text = "";
        for await (const part of request) text += part;
        await todos.insertOne({ text });
      }
      const found = await todos.find({}).toArray();
      response.end(JSON.stringify(found.map((todo) => todo.text)));
    } catch (error) {
      response.writeHead(503).end(String(error));
    }
  });
  server.listen(3000, () => console.log("listening on 3000"));
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
}

main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});

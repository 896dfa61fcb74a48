// Counts visits in Redis, in its own protocol: what is asked for at port 5000 is INCR at port 6379.
const http = require("node:http");
const net = require("node:net");
const os = require("node:os");

function count(done) {
  const redis = net.connect(6379, "redis", () => redis.write("INCR numVisits\r\n"));
  redis.once("data", (answer) => {
    redis.end();
    done(null, parseInt(answer.toString().slice(1), 10));
  });
  redis.once("error", (error) => done(error));
}

const server = http.createServer((request, response) => {
  count((error, visits) => {
    if (error) response.writeHead(503).end(String(error));
    else response.end(`${os.hostname()}: Number of visits is: ${visits}`);
  });
});
server.listen(5000, () => console.log("Web app is listening on port 5000"));
process.on("SIGTERM", () => process.exit(0));

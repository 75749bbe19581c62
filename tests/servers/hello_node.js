// Habit: none; Node's own http server.
//
// usage: node hello_node.js PORT
"use strict";

const http = require("http");

http.createServer((request, response) => {
  const body = "hello from node\n";
  response.writeHead(200, {"Content-Length": body.length});
  response.end(body);
}).listen(Number(process.argv[2]));

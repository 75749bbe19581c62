// Habit: none; Node's own http server.
//
// usage: node hello_node.js PORT
"use strict";

const http = require("http");

http.createServer((request, response) => {
  response.end("hello from node\n");
}).listen(Number(process.argv[2]));

/** F3: a server that answers the same 700 bytes of JSON whatever it is asked. */
const bodyBytes = 700;

const frame = JSON.stringify({content: ''});
const bytes = new TextEncoder().encode(
  JSON.stringify({content: 'x'.repeat(bodyBytes - frame.length)}),
);
const headers = {'Content-Type': 'application/json'};

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: () => new Response(bytes, {headers}),
});
process.send?.({url: `http://127.0.0.1:${server.port}`});

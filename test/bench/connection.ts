/**
 * One keep-alive connection of the load generator, with one request in flight.
 *
 * Written on the socket itself: on a machine of two cores every µs that a client spends is taken from
 * the server it measures, and `fetch` spends five times as many. It reads what our tiers send: a
 * stated length, or chunks.
 */
import type {Socket} from 'bun';

export type Reply = {readonly status: number; readonly body: Buffer};

export type Connection = {
  /** Sends the bytes of one request; settles when the whole answer is there. */
  ask(request: string): Promise<Reply>;
  close(): void;
};

type Head = {readonly status: number; readonly bodyAt: number; readonly length: number | null};

const headEnd = Buffer.from('\r\n\r\n');
const lastChunk = Buffer.from('0\r\n\r\n');
const lengthForm = /\r\ncontent-length: *(\d+)/i;

function headOf(bytes: Buffer): Head | null {
  const end = bytes.indexOf(headEnd);
  if (end === -1) return null;
  const text = bytes.toString('latin1', 0, end);
  const status = Number(text.slice(9, 12));
  const length = status === 204 || status === 304 ? '0' : lengthForm.exec(text)?.[1];
  return {
    status,
    bodyAt: end + headEnd.length,
    length: length === undefined ? null : Number(length),
  };
}

/** The answer once it is whole. Chunks stay as they came: what is measured is when they end. */
function replyOf(bytes: Buffer): Reply | null {
  const head = headOf(bytes);
  if (head === null) return null;
  const body = bytes.subarray(head.bodyAt);
  const isWhole =
    head.length === null
      ? body.subarray(-lastChunk.length).equals(lastChunk)
      : body.length >= head.length;
  return isWhole ? {status: head.status, body} : null;
}

/** Opens a connection to the origin of a URL. */
export async function connect(url: string): Promise<Connection> {
  const {hostname, port} = new URL(url);
  let gathered: Buffer = Buffer.alloc(0);
  let waiting: {resolve: (reply: Reply) => void; reject: (error: unknown) => void} | null = null;

  const fail = (why: string): void => {
    waiting?.reject(new Error(`the connection to ${url} ${why}`));
    waiting = null;
  };
  /** What a full socket did not take yet. */
  let unsent: Buffer = Buffer.alloc(0);
  const send = (socket: Socket, bytes: Buffer): void => {
    unsent = bytes.subarray(socket.write(bytes));
  };

  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data(_, chunk) {
        gathered = gathered.length === 0 ? Buffer.from(chunk) : Buffer.concat([gathered, chunk]);
        const reply = replyOf(gathered);
        if (reply === null) return;
        gathered = Buffer.alloc(0);
        const asked = waiting;
        waiting = null;
        asked?.resolve(reply);
      },
      drain: (open) => send(open, unsent),
      close: () => fail('was closed'),
      error: (_, error) => fail(`broke: ${error.message}`),
    },
  });
  socket.setNoDelay(true);
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        waiting = {resolve, reject};
        send(socket, Buffer.from(request));
      }),
    close: () => socket.end(),
  };
}

type Asked = {
  readonly method: string;
  readonly path: string;
  readonly key: string;
  readonly headers?: string;
  readonly body?: string;
};

/** The bytes of a request. `headers` are whole lines, each with its end. */
export function requestText(host: string, {method, path, key, headers = '', body}: Asked): string {
  const stated =
    body === undefined
      ? ''
      : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${key}\r\nAccept: application/json\r\n${headers}${stated}\r\n${body ?? ''}`;
}

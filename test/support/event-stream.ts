/** Reads server-sent events as a client does: whole messages, with the last id it saw. */

export type Message = {
  readonly id: number | null;
  readonly event: string;
  readonly data: Record<string, unknown>;
};

export type EventStream = {
  readonly response: Response;
  /** The next message that is no comment; null at the end. */
  next(): Promise<Message | null>;
  /** The next block as it came. */
  block(): Promise<string | null>;
  /** Where this client would go on. */
  lastId(): number | null;
  leave(): void;
};

type Wanted = {
  readonly url: string;
  readonly key: string;
  readonly query?: string;
  readonly lastEventId?: number | null;
};

/** Opens the change stream of a tier. */
export async function openStream({
  url,
  key,
  query = '',
  lastEventId,
}: Wanted): Promise<EventStream> {
  const abort = new AbortController();
  const response = await fetch(`${url}/api/v1/changes/stream${query}`, {
    signal: abort.signal,
    headers: {
      authorization: `Bearer ${key}`,
      ...(lastEventId === undefined || lastEventId === null
        ? {}
        : {'last-event-id': String(lastEventId)}),
    },
  });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let held = '';
  let last = lastEventId ?? null;

  async function block(): Promise<string | null> {
    for (;;) {
      const end = held.indexOf('\n\n');
      if (end >= 0) {
        const text = held.slice(0, end);
        held = held.slice(end + 2);
        last = Number(/^id: (\d+)$/m.exec(text)?.[1] ?? last ?? Number.NaN);
        if (Number.isNaN(last)) last = null;
        return text;
      }
      const {done, value} = await reader.read();
      if (done) return null;
      held += decoder.decode(value, {stream: true});
    }
  }

  return {
    response,
    block,
    async next() {
      for (;;) {
        const text = await block();
        if (text === null) return null;
        const data = /^data: (.*)$/m.exec(text)?.[1];
        if (data === undefined) continue;
        const id = /^id: (\d+)$/m.exec(text)?.[1];
        return {
          id: id === undefined ? null : Number(id),
          event: /^event: (.*)$/m.exec(text)?.[1] ?? 'message',
          data: JSON.parse(data) as Record<string, unknown>,
        };
      }
    },
    lastId: () => last,
    leave: () => abort.abort(),
  };
}

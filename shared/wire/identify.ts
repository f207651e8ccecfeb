/** How a request is known in logs and traces, taken from its headers by both tiers. */
const requestIdForm = /^[A-Za-z0-9._-]{1,128}$/;
const traceForm = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** The caller's request id where it is one, else a new one. */
export function requestIdOf(headers: Headers, fresh: () => string): string {
  const stated = headers.get('x-request-id');
  return stated !== null && requestIdForm.test(stated) ? stated : fresh();
}

/** The trace that a request belongs to (W3C Trace Context); null where it names none. */
export function traceOf(headers: Headers): string | null {
  const trace = traceForm.exec(headers.get('traceparent') ?? '')?.[1];
  return trace === undefined || /^0+$/.test(trace) ? null : trace;
}

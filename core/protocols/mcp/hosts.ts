/**
 * Who may be asked, and from which pages: names without ports.
 *
 * A page that makes its own name point at this machine (DNS rebinding) still sends that name.
 */
import {
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  originValidationResponse,
} from '@modelcontextprotocol/server';

export type HostOptions = {
  readonly publicUrl: string | null;
  readonly allowedHosts: readonly string[];
  readonly corsOrigins: readonly string[];
};

/** Makes the guard: it answers the refusal, or undefined where the request may go on. */
export function createHostGuard(of: HostOptions): (request: Request) => Response | undefined {
  const ours = of.publicUrl === null ? [] : [new URL(of.publicUrl).hostname];
  const hosts = [...localhostAllowedHostnames(), ...ours, ...of.allowedHosts];
  const pages = of.corsOrigins.filter((origin) => URL.canParse(origin));
  const origins = [...hosts, ...pages.map((origin) => new URL(origin).hostname)];
  return (request) =>
    hostHeaderValidationResponse(request, hosts) ?? originValidationResponse(request, origins);
}

/** The card by which clients find out where MCP is spoken here and how to sign in. */
import {LATEST_PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS} from '@modelcontextprotocol/server';
import {productVersion} from '../../../shared/version.ts';
import {mcpServerCard} from '../../../shared/wire/mcp.ts';

/** The revision whose requests need no session; the SDK serves it and names it nowhere. */
const modernVersion = '2026-07-28';
const maxAgeSeconds = 60;

/** The answer with the card. `origin` is where clients reach this server. */
export function serverCard(origin: string): Response {
  const card = {
    $schema: 'https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json',
    name: 'dev.cellstate/memory',
    version: productVersion,
    title: 'CellState',
    description: 'Memory for AI agents, with a receipt for every change',
    remotes: [
      {
        type: 'streamable-http',
        url: `${origin}/mcp`,
        supportedProtocolVersions: [
          ...new Set([modernVersion, LATEST_PROTOCOL_VERSION, ...SUPPORTED_PROTOCOL_VERSIONS]),
        ],
        headers: [
          {
            name: 'Authorization',
            description: 'An API key as "Bearer cst_…"',
            isRequired: true,
            isSecret: true,
          },
        ],
      },
    ],
  };
  return new Response(JSON.stringify(card), {
    headers: {
      'Content-Type': mcpServerCard.produces ?? 'application/json',
      'Cache-Control': `public, max-age=${maxAgeSeconds}`,
    },
  });
}

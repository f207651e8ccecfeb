/** MCP: its one path, whose body only the protocol reads, and the card that tells of it. */
import {z} from 'zod';
import {contentLimitBytes, contract} from './contract.ts';
import {text} from './scalar.ts';

export const mcpPost = contract({
  id: 'mcp_post',
  method: 'POST',
  path: '//mcp',
  may: 'any',
  summary: 'Model Context Protocol over streamable HTTP',
  input: {sets: text(200).read.optional()},
  query: ['sets'],
  isOpaque: true,
  output: z.unknown(),
  limitBytes: contentLimitBytes,
});

export const mcpServerCard = contract({
  id: 'mcp_server_card',
  method: 'GET',
  path: '//mcp/server-card',
  may: 'pub',
  summary: 'Where this server speaks MCP, and how to sign in',
  output: z.string(),
  produces: 'application/mcp-server-card+json',
});

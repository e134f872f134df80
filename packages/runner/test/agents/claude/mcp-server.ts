/** An MCP server with one tool that says it changes something. Run by the agent. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const server = new McpServer({ name: 'test', version: '1.0.0' });
server.registerTool('change', { description: 'Changes something', inputSchema: { what: z.string() } }, ({ what }) => ({
  content: [{ type: 'text', text: `changed ${what}` }],
}));
await server.connect(new StdioServerTransport());

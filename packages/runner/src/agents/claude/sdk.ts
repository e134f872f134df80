import { createRequire } from 'node:module';
import type * as Sdk from '@anthropic-ai/claude-agent-sdk';

/** Loaded with the first agent: it would be a tenth of the server's start. */
export const claudeSdk = (): typeof Sdk =>
  createRequire(import.meta.url)('@anthropic-ai/claude-agent-sdk') as typeof Sdk;

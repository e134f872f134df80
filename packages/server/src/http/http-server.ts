/** The HTTP door, composed: what every request goes through, and who serves which address. Does not listen. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import type { Clock } from '@holdfast/link/client-interface.ts';
import { systemClock } from '@holdfast/link/system-clock.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { fastify, type FastifyBaseLogger, type FastifyServerOptions, LogController } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Application } from '../application/application.ts';
import type { Authentication } from '../auth/authentication.ts';
import type { OriginPolicy } from '../auth/origin-policy.ts';
import { Drain } from '../health/drain.ts';
import type { Metrics } from '../health/metrics.ts';
import { Readiness } from '../health/readiness.ts';
import type { HttpApp } from './app.ts';
import { approvalRoutes } from './approval-routes.ts';
import { answerBrokenRequest, answerError } from './error-answers.ts';
import { eventRoutes } from './event-routes.ts';
import { EventStreams } from './event-streams.ts';
import { exportRoutes } from './export-routes.ts';
import { guardHost, guardLogin } from './guard.ts';
import { metricsRoutes, openHealthRoutes } from './health-routes.ts';
import { readJsonBodies } from './json-body.ts';
import { limitRoutes } from './limit-routes.ts';
import { loginRoutes, openLoginRoutes } from './login-routes.ts';
import { machineRoutes } from './machine-routes.ts';
import { describeRoutes, openApiRoute } from './openapi.ts';
import { answerUnknownAddress, contentSecurityPolicy, inlineScriptHashes, servePage } from './page.ts';
import { Refused } from './refused.ts';
import { retentionRoutes } from './retention-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { terminalRoutes } from './terminal-routes.ts';
import { recordingRoutes } from './recording-routes.ts';
import { uploadRoutes } from './upload-routes.ts';
import { workspaceRoutes } from './workspace-routes.ts';

export interface HttpServerOptions {
  readonly application: Application;
  readonly authentication: Authentication;
  /** What the server is bound to and called: `configuration` fits. */
  readonly policy: OriginPolicy;
  /** Directory of the built web app; null: none is served. */
  readonly webRoot: string | null;
  readonly version: string;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Names this server process to clients; another after a restart. */
  readonly serverId: string;
  /** Default: one that nobody runs. */
  readonly drain?: Drain;
  /** Default: the system's. */
  readonly clock?: Clock;
}

const readinessTimeoutMs = 2_000;
const closeGraceMs = 2_000;

type CompilersFactory = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;

/** With these given, the compilers that come with the framework are not even loaded: a tenth of the server's start. */
const compilersFactory = {
  buildValidator: () => validatorCompiler,
  // What goes out is typed by the compiler; checking it again at run time would cost more than it finds.
  buildSerializer: () => () => (data: unknown) => JSON.stringify(data),
  // Their types know only the framework's own.
} as unknown as CompilersFactory;

/** Call listen() on it, attach the socket door to its `server`, and close() both in the end. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpApp> {
  const { application, authentication, policy, webRoot, metrics, serverId } = options;
  const { drain = new Drain(), clock = systemClock } = options;
  const log: FastifyBaseLogger = options.log;
  const app: HttpApp = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.requestBytes,
    genReqId: () => randomUUID(),
    requestTimeout: 60_000,
    // A missing Host is refused by the guard, with a typed answer.
    http: { requireHostHeader: false },
    return503OnClosing: false,
    routerOptions: { maxParamLength: 200 },
    exposeHeadRoutes: false,
    schemaController: { compilersFactory },
    frameworkErrors: (error, request, reply) => {
      answerError(error, request, reply);
    },
    clientErrorHandler: answerBrokenRequest,
  }).withTypeProvider<ZodTypeProvider>();

  readJsonBodies(app);
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((request, reply) => answerUnknownAddress(request, reply, webRoot !== null));
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: contentSecurityPolicy(webRoot === null ? [] : inlineScriptHashes(webRoot)),
    },
    hsts: policy.publicUrl?.startsWith('https:') ?? false,
    // "no-referrer" would make browsers send "Origin: null" with forms and beacons.
    referrerPolicy: { policy: 'same-origin' },
  });
  guardHost(app, policy);
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    const seconds = reply.elapsedTime / 1_000;
    metrics.observeRequest({ method: request.method, route, status: reply.statusCode }, seconds);
    request.log.debug({ method: request.method, route, status: reply.statusCode, seconds }, 'answered');
  });
  await app.register(rateLimit, {
    global: false,
    cache: 5_000,
    errorResponseBuilder: (_request, { ttl }) =>
      new Refused({ kind: 'rate_limited', message: 'Too many requests. Wait.', retryAfterMs: ttl }),
  });
  await describeRoutes(app, options.version);

  const streams = new EventStreams({ application, authentication, drain, clock, serverId });
  metrics.gauge('holdfast_event_streams', 'Open Server-Sent Events streams', () => streams.size);
  const connections = new Set<Socket>();
  app.server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  app.addHook('preClose', async () => {
    streams.close();
    // Browsers open some ahead of need, which count as busy.
    for (const connection of connections) if (connection.bytesRead === 0) connection.destroy();
    // A client that neither finishes nor leaves must not keep the server from closing.
    const grace = setTimeout(() => app.server.closeAllConnections(), closeGraceMs);
    app.server.once('close', () => clearTimeout(grace));
  });

  const readiness = new Readiness({
    checks: () => application.checks(),
    timeoutMs: readinessTimeoutMs,
    log: options.log,
    drain,
  });
  await app.register(async (open: HttpApp) => {
    openHealthRoutes(open, readiness);
    openLoginRoutes(open, authentication, policy);
    if (webRoot !== null) await servePage(open, webRoot);
  });
  await app.register(async (guarded: HttpApp) => {
    guardLogin(guarded, authentication, policy);
    metricsRoutes(guarded, metrics);
    loginRoutes(guarded, authentication, policy);
    workspaceRoutes(guarded, application);
    sessionRoutes(guarded, application);
    eventRoutes(guarded, application, streams);
    terminalRoutes(guarded, application);
    await uploadRoutes(guarded, application.uploads);
    recordingRoutes(guarded, application.recordings);
    approvalRoutes(guarded, application);
    machineRoutes(guarded, application);
    retentionRoutes(guarded, application);
    exportRoutes(guarded, application);
    limitRoutes(guarded, application);
    openApiRoute(guarded);
  });
  return app;
}

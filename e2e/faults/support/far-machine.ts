/** A machine elsewhere, the line over which its runner dials a server, and a workspace there. */
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import type { Api } from '../../support/api.ts';
import type { Installation } from '../../support/program.ts';
import { type RemoteMachine, remoteMachine } from '../../support/remote-machine.ts';
import { TcpProxy } from './tcp-proxy.ts';

export class FarMachine {
  readonly name: string;
  readonly machine: RemoteMachine;
  readonly line: TcpProxy;
  readonly runnerId: string;
  readonly workspaceId: string;

  private constructor(
    name: string,
    machine: RemoteMachine,
    line: TcpProxy,
    ids: { readonly runnerId: string; readonly workspaceId: string },
  ) {
    this.name = name;
    this.machine = machine;
    this.line = line;
    this.runnerId = ids.runnerId;
    this.workspaceId = ids.workspaceId;
  }

  /** Resolves when it is linked. agents: of the environment, what its agents need to run. */
  static async link(
    name: string,
    { origin }: Installation,
    api: Api,
    agents: NodeJS.ProcessEnv = {},
  ): Promise<FarMachine> {
    const line = await TcpProxy.open(Number(new URL(origin).port));
    const machine = remoteMachine(name, agents);
    await machine.start(line.origin, api.key);
    const known = () => api.runners().then((runners) => runners.find((one) => one.name === name && one.online));
    const { id } = await eventually('the server has it', known);
    return new FarMachine(name, machine, line, { runnerId: id, workspaceId: await api.workspace('w', id) });
  }

  /** A file in its workspace. */
  file(name: string): string {
    return join(this.machine.workspaces, 'w', name);
  }

  async dispose(): Promise<void> {
    await this.machine.dispose();
    await this.line.close();
  }
}

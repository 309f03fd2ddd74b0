import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';

import { describe, expect, it, onTestFinished } from 'vitest';

import { findPeerProcess, readProcess } from './process-facts.ts';

// Only Linux has /proc.
describe.runIf(process.platform === 'linux')('findPeerProcess', () => {
  it('finds who has opened a connection, and what it was started with', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const script = `require('net').connect(${port}, '127.0.0.1')`;
    const child = spawn(process.execPath, ['-e', script, 'a word'], { cwd: tmpdir(), env: { SOME_NAME: 'a=b' } });
    onTestFinished(() => void child.kill());
    const [socket] = (await once(server, 'connection')) as [Socket];
    const found = await findPeerProcess(socket.remotePort!, port);
    expect(found).toMatchObject({
      pid: child.pid,
      argv: [process.execPath, '-e', script, 'a word'],
      environment: { SOME_NAME: 'a=b' },
    });
    expect(found!.cwd).toBe((await readProcess(child.pid!))!.cwd);
    socket.destroy();
    await once(socket, 'close');
    server.close();
    expect(await findPeerProcess(socket.remotePort ?? 1, port)).toBeNull();
  });

  it('finds nobody where there is no such connection', async () => {
    expect(await findPeerProcess(1, 2)).toBeNull();
  });
});

// One run under tapes with one of everything that a dump can hold: the real Codex (HTTP/2, its upgrade refused, zstd requests, event
// streams), and beside it, in the same run, what Codex does not do by itself: HTTP/1.1, bytes, an answer that is cut, a provider that
// resets before it answers, a WebSocket that is relayed. The access token stands in every place of it, and is cut between chunks.
import { resolve } from 'node:path';
import { cutAfter, reset, startStandIn, text } from './chatgpt/index.ts';
import { codexBin, makeCodexHome } from './codex.ts';
import { run, type RunResult } from './run.ts';
import { interceptArgs, makeTapesHome, sceneEnv, type Scene } from './tapes.ts';

export interface VariedRun extends Scene {
  readonly result: RunResult;
  close(): Promise<void>;
}

/** `options` are those of `tapes intercept`. */
export async function runVariedTraffic(options: (folder: string) => readonly string[]): Promise<VariedRun> {
  const codex = makeCodexHome();
  const token = codex.tokens.accessToken;
  const image = Buffer.concat([
    Buffer.from('89504e470d0a1a0a00ff', 'hex'),
    Buffer.from(token),
    Buffer.alloc(300, 0xfe),
  ]);
  const standIn = await startStandIn({
    scenario: [
      text(`Your token is ${token}, is it not?`, { chunkBytes: 7 }),
      text('Hello over HTTP/1.1', { delayMs: 20, compress: 'gzip' }),
      cutAfter(3),
      reset,
    ],
    responseHeaders: [['set-cookie', `session=${token}; Path=/`]],
    routes: ({ path }) =>
      path.startsWith('/image') ? { status: 200, headers: [['content-type', 'image/png']], body: image } : null,
  });
  const tapes = makeTapesHome();
  const scene = { codex, standIn, tapes };
  const curl = `curl -sS --http1.1 --cacert "$CODEX_CA_CERTIFICATE" -H "authorization: Bearer $SOCKET_TOKEN"`;
  const post = `${curl} -H 'content-type: application/json' -d '{"model":"m","input":[]}' https://chatgpt.com/backend-api/codex/responses`;
  const socketAgent = [
    process.execPath,
    '--import',
    import.meta.resolve('tsx'),
    resolve(import.meta.dirname, 'socket-agent.ts'),
  ];
  const script = [
    `'${codexBin().native}' exec --skip-git-repo-check "My token is $SOCKET_TOKEN"`,
    post,
    `${post} || true`,
    `${post} || true`,
    `${curl} -o image "https://chatgpt.com/image?access_token=$SOCKET_TOKEN&size=300"`,
    `${socketAgent.map((part) => `'${part}'`).join(' ')} wss://chatgpt.com/echo "{\\"token\\":\\"$SOCKET_TOKEN\\"}" "0x$SOCKET_HEX"`,
  ].join('\n');
  const args = interceptArgs(scene, ['sh', '-c', script], options(tapes.dir));
  const env = {
    ...sceneEnv(scene),
    SOCKET_TOKEN: token,
    SOCKET_HEX: Buffer.concat([Uint8Array.of(0xff, 0), Buffer.from(token)]).toString('hex'),
  };
  const result = await run(process.execPath, args, { cwd: codex.project, env });
  return {
    ...scene,
    result,
    close: async () => {
      await standIn.close();
      codex.remove();
      tapes.remove();
    },
  };
}

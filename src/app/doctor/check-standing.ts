// The standing proxy (`tapes proxy`): is it running, does its port answer, and does this shell lead to it?
import { profiles } from '../../agents/index.ts';
import { leadsTo } from '../proxy-environment.ts';
import { isRunning, type StandingProxy } from '../standing-proxy.ts';
import type { Finding } from './check.ts';
import { knock } from './knock.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** `environment`: of the shell as it is. */
export async function checkStanding(standing: StandingProxy | null, environment: Environment): Promise<Finding> {
  if (standing === null) return { status: 'ok', message: 'none has run on this home' };
  const { port } = standing;
  const isLed = [environment['HTTPS_PROXY'], environment['https_proxy']].some((value) => leadsTo(value, standing));
  const { [0]: agent } = profiles;
  if (!isRunning(standing)) {
    if (!isLed) return { status: 'ok', message: 'none is running' };
    return {
      status: 'fail',
      message: `none is running, and this shell leads to port ${port}: ${agent!.name} started from it gets no answer`,
      hint: 'start it, in a terminal of its own: tapes proxy; or leave: eval "$(tapes env --unset)"',
    };
  }
  const { pid } = standing.process;
  const found = await knock(port);
  if (found === 'answers') {
    const led = isLed ? 'this shell leads through it' : 'this shell does not lead through it';
    return { status: 'ok', message: `pid ${pid} answers on port ${port}; ${led}` };
  }
  return {
    status: 'fail',
    message: `pid ${pid} is running, and port ${port} ${found === 'closed' ? 'is closed' : 'does not answer'}`,
    hint: `end it and start another: kill ${pid}; tapes proxy`,
  };
}

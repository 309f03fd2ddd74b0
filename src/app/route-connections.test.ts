import { expect, test } from 'vitest';

import type { ConnectionEvent } from '../domain/index.ts';
import { ConnectionRoutes } from './route-connections.ts';

test('each run is told once of a connection that it uses, and of its end; a run that is over of nothing more', () => {
  const told: string[] = [];
  const routes = new ConnectionRoutes<string>((run, { type, leg, client }) => {
    told.push(`${run} ${type} ${leg} ${client.port}`);
  });
  const event = (type: ConnectionEvent['type'], leg: 'agent' | 'provider', port: number): ConnectionEvent =>
    ({
      type,
      leg,
      client: { address: '127.0.0.1', port },
      server: null,
      host: 'h',
      at: 0,
      mono: 0,
      by: 'client',
      isReset: false,
    }) as never;
  const client = { address: '127.0.0.1', port: 1 };
  routes.push(event('connectionOpened', 'agent', 1));
  routes.push(event('connectionOpened', 'provider', 1));
  expect(told).toEqual([]);
  for (const run of ['a', 'a', 'b', 'c']) routes.use('agent', client, run);
  routes.use('provider', client, 'a');
  routes.use('provider', null, 'a');
  routes.use('agent', { ...client, port: 2 }, 'a');
  routes.forget('c');
  routes.push(event('connectionEnded', 'agent', 1));
  routes.push(event('connectionEnded', 'agent', 1));
  routes.use('agent', client, 'd');
  expect(told).toEqual([
    'a connectionOpened agent 1',
    'b connectionOpened agent 1',
    'c connectionOpened agent 1',
    'a connectionOpened provider 1',
    'a connectionEnded agent 1',
    'b connectionEnded agent 1',
  ]);
});

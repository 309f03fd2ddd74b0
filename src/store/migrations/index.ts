// All migrations in order. Only ever append: what has run on somebody's machine is history.
import type { Connection } from '../connection.ts';
import { createTables } from './001-create-tables.ts';
import { shareItems } from './002-share-items.ts';
import { indexQuestions } from './003-index-questions.ts';
import { shareHeaders } from './004-share-headers.ts';
import { nameRunKinds } from './005-name-run-kinds.ts';
import { keepConnections } from './006-keep-connections.ts';
import { keepPhases } from './007-keep-phases.ts';
import { keepMarkLengths } from './008-keep-mark-lengths.ts';

export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** What SQL cannot do: run after it, in the same transaction. */
  readonly fill?: (connection: Connection) => Promise<void>;
}

export const migrations: readonly Migration[] = [
  createTables,
  shareItems,
  indexQuestions,
  shareHeaders,
  nameRunKinds,
  keepConnections,
  keepPhases,
  keepMarkLengths,
];

// docs/schema.md, made of the migrations: what a database that they made looks like, with the comments that stand in their SQL.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '../../src/store/connection.ts';
import { migrations } from '../../src/store/migrations/index.ts';
import { openForWriting } from '../../src/store/open-database.ts';
import { schemaExamples } from './schema-examples.ts';

export const remakeSchemaDocs = 'npx tsx test/support/make-schema-docs.ts';

interface SchemaObject {
  readonly type: 'table' | 'index' | 'view' | 'trigger';
  readonly name: string;
  readonly tableName: string;
  readonly sql: string;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
  /** Place in the primary key, from 1; 0: not in it. */
  readonly pk: number;
}

interface ForeignKey {
  readonly from: string;
  readonly table: string;
  readonly to: string | null;
  readonly on_delete: string;
}

/** Calls `use` with an empty database as the migrations make it. */
export async function withEmptyDatabase<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tapes-schema-'));
  const connection = await openForWriting(join(folder, 'tapes.db'), 1000);
  try {
    return await use(connection);
  } finally {
    await connection.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Tables that a query may name: not SQLite's own, and not those in which a full-text index keeps itself. */
export async function listTables(connection: Connection): Promise<string[]> {
  const rows = await connection.all<{ name: string }>(
    `SELECT name FROM pragma_table_list
    WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`,
  );
  return rows.map(({ name }) => name);
}

export async function listViews(connection: Connection): Promise<string[]> {
  const rows = await connection.all<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name",
  );
  return rows.map(({ name }) => name);
}

export function makeSchemaDocs(): Promise<string> {
  return withEmptyDatabase(async (connection) => {
    const objects = await connection.all<SchemaObject>(
      `SELECT type, name, tbl_name AS tableName, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name`,
    );
    const tables = await listTables(connection);
    const sections: string[] = [];
    for (const table of tables) sections.push(await describeTable(connection, table, objects));
    const views = objects.filter(({ type }) => type === 'view').map(describeView);
    const steps = migrations.map(({ name }) => `\`${name}\``).join(', ');
    return `${[
      '# The database',
      `<!-- Made of src/store/migrations by: ${remakeSchemaDocs} -->`,
      opening,
      `Made by the steps ${steps}. Tables: ${tables.map((table) => `[${table}](#${table})`).join(', ')}.`,
      ...sections,
      ...views,
    ].join('\n\n')}\n`;
  });
}

const opening = `\`tapes.db\` is a SQLite file, and its schema is public: open it with any SQLite tool while tapes records, reading holds nothing up.

    sqlite3 -readonly ~/.tapes/tapes.db

Tables and columns that are here stay; later versions add to them (forward only, by the steps that the table \`migrations\` names). Reading is
safe; write only through tapes. Times are ISO 8601, UTC, with milliseconds. Bodies, items and chunks are packed: \`tapes raw\` unpacks them.`;

function describeView({ name, sql }: SchemaObject): string {
  return [`## ${name}`, block(sql), ...describeExample(name)].join('\n\n');
}

function describeExample(name: string): string[] {
  const example = schemaExamples[name];
  if (example !== undefined) return [`${example.question}:`, block(example.sql)];
  throw new Error(`${name} has no example: add one to test/support/schema-examples.ts, then ${remakeSchemaDocs}`);
}

async function describeTable(connection: Connection, table: string, objects: readonly SchemaObject[]): Promise<string> {
  const own = objects.filter(({ tableName }) => tableName === table);
  const sql = own.find(({ type }) => type === 'table')?.sql ?? '';
  const columns = await connection.all<Column>(`SELECT * FROM pragma_table_xinfo(?) WHERE hidden <> 1`, [table]);
  const keys = await connection.all<ForeignKey>('SELECT * FROM pragma_foreign_key_list(?)', [table]);
  const rows = columns.map((column) => {
    const key = keys.find(({ from }) => from === column.name);
    return `| \`${column.name}\` | ${describeType(column, key, columns)} | ${cell(commentOfColumn(table, column.name, sql))} |`;
  });
  const parts = own.filter(({ type }) => type === 'index' || type === 'trigger');
  return [
    `## ${table}`,
    ...paragraph([commentOfTable(sql), ...commentsAbove('TABLE', table)]),
    ['| column | type | meaning |', '| --- | --- | --- |', ...rows].join('\n'),
    ...(/^CREATE VIRTUAL/i.test(sql) ? [block(sql)] : []),
    ...(parts.length === 0 ? [] : [parts.map(describePart).join('\n')]),
    ...describeExample(table),
  ].join('\n\n');
}

function describeType(
  { type, notnull, dflt_value, pk }: Column,
  key: ForeignKey | undefined,
  all: readonly Column[],
): string {
  const isOnlyKey = pk > 0 && all.filter((column) => column.pk > 0).length === 1;
  return [
    type,
    pk === 0 ? '' : isOnlyKey ? 'PRIMARY KEY' : `PRIMARY KEY (${pk})`,
    notnull === 1 && pk === 0 ? 'NOT NULL' : '',
    dflt_value === null ? '' : `DEFAULT ${dflt_value}`,
    key === undefined ? '' : `→ [${key.table}](#${key.table})${key.on_delete === 'CASCADE' ? ', goes with it' : ''}`,
  ]
    .filter((word) => word !== '')
    .join(' ');
}

function describePart({ type, name, sql }: SchemaObject): string {
  const notes = commentsAbove(type === 'index' ? 'INDEX' : 'TRIGGER', name).join(' ');
  const [, on = ''] = /\bON\s+\w+\s*([^]*)$/i.exec(sql) ?? [];
  const what = type === 'index' ? ` on ${oneLine(on)}` : '';
  return `- ${type} \`${name}\`${what}${notes === '' ? '' : `: ${notes}`}`;
}

/** What stands behind the opening bracket: `CREATE TABLE x ( -- this`. */
function commentOfTable(sql: string): string {
  return /^CREATE TABLE\s+"?\w+"?\s*\(\s*--\s*(.*)/i.exec(sql)?.[1]?.trim() ?? '';
}

/** What stands behind a column, with the lines of comment that follow it; for an added column, behind its ALTER TABLE. */
function commentOfColumn(table: string, column: string, sql: string): string {
  const own = new RegExp(`^\\s*"?${column}"?\\s[^\\n]*?--\\s*(.*(?:\\n\\s*--.*)*)`, 'm').exec(sql)?.[1];
  if (own !== undefined) return oneLine(own.replaceAll(/\n\s*--/g, ' '));
  const added = new RegExp(`^\\s*ALTER TABLE "?${table}"? ADD COLUMN "?${column}"?[^\\n]*?--\\s*(.*)`, 'im');
  for (const step of migrations) {
    const behind = added.exec(step.sql)?.[1];
    if (behind !== undefined) return behind.trim();
  }
  return '';
}

/** Whole lines of comment right above the statements that make or change this. */
function commentsAbove(kind: 'TABLE' | 'INDEX' | 'TRIGGER', name: string): string[] {
  const pattern = new RegExp(`((?:^--.*\\n)+)(?:CREATE|ALTER)[A-Z ]* ${kind} (?:IF NOT EXISTS )?"?${name}"?\\b`, 'gim');
  return migrations.flatMap(({ sql }) =>
    [...sql.matchAll(pattern)].map(([, lines = '']) => oneLine(lines.replaceAll(/^--/gm, ' '))),
  );
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('( ', '(').replaceAll(' )', ')').trim();
}

function paragraph(sentences: readonly string[]): string[] {
  const text = sentences
    .filter((sentence) => sentence !== '')
    .map((sentence) => `${sentence[0]!.toUpperCase()}${sentence.slice(1)}${/[.!?…]$/.test(sentence) ? '' : '.'}`)
    .join(' ');
  return text === '' ? [] : [text];
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
const block = (sql: string): string => `\`\`\`sql\n${sql}\n\`\`\``;

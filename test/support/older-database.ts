// Puts a recording into a database of an older schema, as an older tapes would have kept it: columns that are not there yet are left out,
// and headers are whole.
import type { Connection } from '../../src/store/connection.ts';

const wholeHeaders = (side: string): string =>
  `(SELECT json_group_array(json_array(name, value)) FROM
     (SELECT name, value FROM source.exchange_headers WHERE exchange_id = id AND side = '${side}' ORDER BY place))`;

/** `source`: the file of a recording; it stays attached under this name. `tables`: parents first. */
export async function copyIntoOlder(connection: Connection, source: string, tables: readonly string[]): Promise<void> {
  await connection.exec(`ATTACH '${source}' AS source`);
  for (const table of tables) {
    const columns = await connection.all<{ name: string }>(`SELECT name FROM pragma_table_info('${table}', 'main')`);
    const names = columns.map(({ name }) => name);
    const isWhole = !names.includes('request_list');
    const values = names.map((name) => {
      if (table !== 'exchanges' || !isWhole || !name.endsWith('_headers')) return name;
      const side = name.replace('_headers', '');
      return `CASE WHEN ${name} IS NOT NULL THEN ${wholeHeaders(side)} END`;
    });
    await connection.exec(
      `INSERT INTO main.${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM source.${table}`,
    );
  }
}

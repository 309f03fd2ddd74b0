// Writes docs/schema.md anew: `npx tsx test/support/make-schema-docs.ts`. Needed after every new migration.
import { writeFileSync } from 'node:fs';
import { makeSchemaDocs } from './schema-docs.ts';

writeFileSync(new URL('../../docs/schema.md', import.meta.url), await makeSchemaDocs());

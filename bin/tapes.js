#!/usr/bin/env node
const program = await import('../program/main.js').catch(sayNotBuilt);

await program?.main(process.argv.slice(2));

/** A checkout in which nobody has built yet; a package has its program in it. */
function sayNotBuilt(error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !/program.main\.js/.test(error.message)) throw error;
  process.stderr.write('tapes: this checkout is not built\nhint: build it, in its folder: npm ci && npm run build\n');
  // As for all that goes wrong before the child runs.
  process.exitCode = ['intercept', 'proxy'].includes(process.argv[2]) ? 125 : 1;
}

// Loaded into the process under the soak by NODE_OPTIONS: says every two seconds what V8 tells of the main thread's heap.
const { isMainThread } = require('node:worker_threads');
const { renameSync, writeFileSync } = require('node:fs');

const file = process.env.SOAK_MEMORY_FILE;
if (isMainThread && file !== undefined) {
  setInterval(() => {
    writeFileSync(`${file}.new`, JSON.stringify(process.memoryUsage()));
    renameSync(`${file}.new`, file);
  }, 2000).unref();
}

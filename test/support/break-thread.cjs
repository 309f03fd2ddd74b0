// Loaded before tapes (`node --require`): a fault in the recorder's thread, of the kind that FAULT names.
'use strict';
const { existsSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const threads = require('node:worker_threads');

const { FAULT: fault, FAULT_WHEN: when } = process.env;

if (threads.isMainThread) {
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    constructor(file, options) {
      super(file, { ...options, execArgv: ['--require', __filename] });
      if (fault !== 'kill-thread') return;
      const timer = setInterval(() => {
        if (!existsSync(when)) return;
        clearInterval(timer);
        void this.terminate();
      }, 5);
      timer.unref();
    }
  };
  syncBuiltinESMExports();
} else if (fault === 'broken-decoder') {
  JSON.parse = () => {
    throw new TypeError('a decoder that always fails');
  };
}

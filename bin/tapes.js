#!/usr/bin/env node
import { main } from '../program/main.js';

await main(process.argv.slice(2));

// Ids of our own making: random, so that a few characters tell two apart, as in git; order comes from times, never from ids.
import { randomBytes } from 'node:crypto';

/** 20 hex digits (80 random bits). */
export function newId(): string {
  return randomBytes(10).toString('hex');
}
